"""A password that goes over a network in the clear is warned of, once; nothing else is."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from backtest_store.saving import save
from backtest_store.store.connecting import password_warning
from tests.capture.stores import shared_url, store  # noqa: F401 - fixtures
from tests.faults.runs import a_run
from tests.shell import btstore
from tests.waiting import LONG

SECRET = "gehe1m"  # noqa: S105 - planted, to be looked for in what is printed
WARNING = "btstore: warning: the database lets in by password over a connection without TLS"
SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)


def address_of_this_machine() -> str:
    """Return an address that is not loopback's; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            pytest.skip("this machine is in no network")
        return str(probe.getsockname()[0])


class Road:
    """A way over the network to the tests' server, which itself listens on a socket alone."""

    def __init__(self, store_url: str, host: str, tls: ssl.SSLContext | None = None) -> None:
        where = urlsplit(store_url)
        query = parse_qs(where.query)
        self._server = f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}"
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        listening = asyncio.start_server(self._lead, host)
        self._listener = self._loop.run_until_complete(listening)
        port = self._listener.sockets[0].getsockname()[1]
        self.url = f"postgresql://{where.username}:{SECRET}@{host}:{port}{where.path}"
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(8)
        if first == SSL_REQUEST and self._tls is not None:
            writer.write(b"S")
            try:
                await writer.start_tls(self._tls)
            except ConnectionError:  # the certificate was not to the client's liking
                return
            first = b""
        to_read, to_write = await asyncio.open_unix_connection(self._server)
        to_write.write(first)
        with suppress(ConnectionError):
            await asyncio.gather(_copy(reader, to_write), _copy(to_read, writer))

    def close(self) -> None:
        """Tear it up."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(LONG)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._listener.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()


@pytest.fixture
def host() -> str:
    return address_of_this_machine()


@pytest.fixture
def road(store: str, host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Road]:
    """Lead the environment to the store over the network, as if for the first time."""
    password_warning._warn.cache_clear()
    way = Road(store, host)
    monkeypatch.setenv("BTSTORE_DATABASE_URL", way.url)
    yield way
    way.close()
    password_warning._warn.cache_clear()


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_a_command_warns_once(road: Road, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", f"{road.url}?sslmode={mode}")
    answer = btstore("history")
    assert answer.code == 0
    assert answer.err.startswith(WARNING)
    assert SECRET not in answer.err
    assert WARNING not in btstore("history").err


def test_a_save_warns_once(road: Road, capfd: pytest.CaptureFixture[str]) -> None:
    assert save.save_record(a_run())
    assert save.save_record(a_run())
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(WARNING)
    assert SECRET not in line


def test_without_a_password_there_is_nothing_to_hear(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", road.url.replace(f":{SECRET}", ""))
    assert WARNING not in btstore("history").err


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_on_this_machine_nobody_listens(road: Road) -> None:
    assert WARNING not in btstore("history").err


@pytest.fixture
def certified(tmp_path: Path) -> ssl.SSLContext:
    """Give a certificate that nobody has signed."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=store",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


ASKED = {
    "require": (0, ""),
    "verify-ca&sslrootcert={known}": (0, ""),
    "verify-full&sslrootcert={known}": (4, "certificate verify failed"),
    "verify-full": (2, "root.crt"),
}


def test_tls_is_asked_for_as_the_url_says(
    store: str,
    host: str,
    certified: ssl.SSLContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = tmp_path / "certificate"
    monkeypatch.setenv("HOME", str(tmp_path))  # where another root certificate may be
    password_warning._warn.cache_clear()
    road = Road(store, host, certified)
    try:
        for mode, (code, said) in ASKED.items():
            monkeypatch.setenv(
                "BTSTORE_DATABASE_URL", f"{road.url}?sslmode={mode.format(known=known)}"
            )
            answer = btstore("history")
            assert (answer.code, WARNING in answer.err) == (code, False), answer.err
            assert said in answer.err
            assert SECRET not in answer.err
    finally:
        road.close()


@pytest.mark.parametrize(
    ("address", "elsewhere"),
    [
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("::1", False),
        ("192.0.2.2", True),
        ("10.0.0.1", True),
        ("fe80::1%eth0", True),
        ("2001:db8::1", True),
    ],
)
def test_what_leaves_this_machine(address: str, *, elsewhere: bool) -> None:
    assert password_warning.is_elsewhere(address) == elsewhere
