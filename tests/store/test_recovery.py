"""A server that starts, recovers or is just being stopped is waited for, not given up."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import psycopg
import pytest

from backtest_store.errors import UnreachableError
from backtest_store.store.connecting.connection import call
from backtest_store.store.embedded.processes import patience
from backtest_store.store.embedded.server import EmbeddedServer
from backtest_store.store.queries import applied_migrations
from tests.cli.test_terminal import on_terminal
from tests.shell import btstore
from tests.store.servers import MakeServer, needs_proc
from tests.store.test_servers import after
from tests.waiting import LONG, wait_until

COMMAND = [sys.executable, "-c", "from backtest_store.cli.app import entry; entry()"]
MAIN = COMMAND[2]
WORK = "CREATE TABLE much AS SELECT g, repeat('x', 200) FROM generate_series(1, 300000) AS g"


@contextmanager
def recovering(server: EmbeddedServer) -> Iterator[int]:
    """Crash the server, and hold the process that recovers it; continue it afterwards."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(WORK)
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGKILL)
    postmaster = server.pid()
    assert postmaster is not None
    wait_until(lambda: startup_of(postmaster))
    (startup,) = startup_of(postmaster)
    os.kill(startup, signal.SIGSTOP)
    try:
        yield startup
    finally:
        with suppress(ProcessLookupError):
            os.kill(startup, signal.SIGCONT)


def startup_of(postmaster: int) -> list[int]:
    """Return the process of a server that replays its log."""
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text("utf-8").split()
    return [int(pid) for pid in children if b"startup" in title(pid)]


def title(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_who_was_stopped_while_he_waited_looks_once_more() -> None:
    looks = 0
    for _ in patience(0.01):  # as after Ctrl-Z, or on a machine that had no time for it
        looks += 1
        time.sleep(0.02)
    assert looks == 2


@needs_proc
@pytest.mark.parametrize("words", [["history"], ["db", "migrate"]])
def test_a_command_waits_while_the_embedded_server_recovers(
    furnish: MakeServer, home: Path, words: list[str]
) -> None:
    server = furnish(home)
    call(applied_migrations)
    with recovering(server):
        waiting = subprocess.Popen([*COMMAND, *words], stderr=subprocess.PIPE, text=True)
        time.sleep(1.5)
        assert waiting.poll() is None
    _, said = waiting.communicate(timeout=LONG)
    assert waiting.returncode == 0, said
    assert "error" not in said


@needs_proc
def test_a_command_waits_while_a_shared_server_recovers(
    furnish: MakeServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = furnish(home)
    call(applied_migrations)
    monkeypatch.setenv("BTSTORE_DATABASE_URL", server.url())
    with recovering(server):
        waiting = subprocess.Popen([*COMMAND, "history"], stderr=subprocess.PIPE, text=True)
        time.sleep(1.5)
        assert waiting.poll() is None
    _, said = waiting.communicate(timeout=LONG)
    assert waiting.returncode == 0, said


@needs_proc
def test_while_one_server_recovers_the_next_is_asked(
    furnish: MakeServer, home: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = furnish(home)
    server.start()
    url = after(store_url, f"{server.socket_directory}:5432")
    monkeypatch.setenv("BTSTORE_DATABASE_URL", url)
    with recovering(server):  # for as long as it takes
        answer = btstore("history")
    assert answer.code == 0, answer.err


@needs_proc
def test_a_spinner_turns_meanwhile(furnish: MakeServer, home: Path) -> None:
    server = furnish(home)
    call(applied_migrations)
    with recovering(server) as startup:

        def go_on(piece: str) -> None:
            if "⠙" in piece:
                with suppress(ProcessLookupError):  # it has gone on since the last piece
                    os.kill(startup, signal.SIGCONT)

        shown = on_terminal(MAIN, "history", on_output=go_on)
    assert "⠙" in shown
    assert "error" not in shown


def test_what_is_wrong_with_the_embedded_server_is_in_its_log(
    furnish: MakeServer, home: Path
) -> None:
    furnish(home).start()

    async def lose(db: object) -> None:
        await db.execute("SELECT pg_terminate_backend(pg_backend_pid())")  # type: ignore[attr-defined]

    with pytest.raises(UnreachableError) as raised:
        call(lose)
    assert raised.value.hint == f"see {home / 'postgres.log'}"


async def test_a_stop_in_between_is_no_failure(furnish: MakeServer, home: Path) -> None:
    server = furnish(home)
    stops = [server.stop, server.stop, server.stop]

    async def connect_after_a_stop(url: str) -> asyncpg.Connection:
        if stops:
            assert await asyncio.to_thread(stops.pop())
        return await asyncpg.connect(url)

    db = await server.start_and_connect(connect_after_a_stop)
    assert await db.fetchval("SELECT 1") == 1
    db.terminate()


def test_commands_that_a_stop_races_end_well(furnish: MakeServer, home: Path) -> None:
    furnish(home)
    call(applied_migrations)
    chance = random.Random(20_261_128)
    for _ in range(2):
        commands = [subprocess.Popen([*COMMAND, "history"], stderr=subprocess.PIPE) for _ in "1234"]
        time.sleep(chance.uniform(0, 0.5))
        stop = subprocess.run([*COMMAND, "db", "stop"], check=False, capture_output=True)
        assert stop.returncode == 0, stop.stderr
        for command in commands:
            _, said = command.communicate(timeout=LONG)
            assert command.returncode == 0, said
