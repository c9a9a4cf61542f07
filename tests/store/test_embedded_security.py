"""A home is one user's alone, and nobody else gets in."""

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backtest_store.errors import StoreError
from backtest_store.store.embedded.server import EmbeddedServer
from tests.store.servers import MakeServer, ask, furnished, needs_proc, needs_root, python

NOBODY = 65534
WITHOUT_NAMESPACES = """
import ctypes
PR_CAPBSET_DROP, CAP_SETFCAP = 24, 31  # root cannot map itself into a namespace without it
assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SETFCAP, 0, 0, 0) == 0
server.start()
"""


@pytest.mark.parametrize("umask", ["0", "0o777"])
def test_all_is_private_whatever_the_umask(tmp_path: Path, embed: MakeServer, umask: str) -> None:
    home = tmp_path / "made" / "on the way" / "home"
    server = embed(home)
    assert python(f"os.umask({umask}); server.start()", home).communicate() == ("", "")
    assert server.pid()
    made = [tmp_path / "made", *(tmp_path / "made").rglob("*")]
    assert not [p for p in made if p.stat().st_mode & 0o077]
    assert not [p for p in made if p.is_dir() and p.stat().st_mode & 0o700 != 0o700]
    assert not [p for p in made if p.is_file() and p.stat().st_mode & 0o400 != 0o400]


@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702])
def test_a_home_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(mode)
    with pytest.raises(StoreError, match=str(home)) as raised:
        EmbeddedServer(home).start()
    assert raised.value.hint == f"chmod 700 {home}"
    assert not list(home.iterdir())


def test_a_home_of_another_user_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
    else:
        home = Path("/usr")
    for use in (EmbeddedServer(home).start, EmbeddedServer(home).pid, EmbeddedServer(home).stop):
        with pytest.raises(StoreError, match=f"{home} belongs to another user") as raised:
            use()
        assert "BTSTORE_HOME" in raised.value.hint


def test_a_file_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(StoreError, match="is not a directory"):
        EmbeddedServer(tmp_path / "home").start()


def test_another_users_socket_directory_is_refused(tmp_path: Path, furnish: MakeServer) -> None:
    server = furnish(tmp_path / ("d" * 200))
    server.socket_directory.mkdir(mode=0o777)
    server.socket_directory.chmod(0o777)
    try:
        with pytest.raises(StoreError, match=str(server.socket_directory)):
            server.start()
    finally:
        server.socket_directory.rmdir()


def test_a_link_in_the_place_of_the_socket_directory_is_refused(
    tmp_path: Path, furnish: MakeServer
) -> None:
    server = furnish(tmp_path / ("d" * 200))
    mine = tmp_path / "mine"
    mine.mkdir(mode=0o700)
    server.socket_directory.symlink_to(mine)
    try:
        for use in (server.start, server.pid, server.stop):
            with pytest.raises(StoreError, match=f"{server.socket_directory} is not a directory"):
                use()
    finally:
        server.socket_directory.unlink()
    assert not list(mine.iterdir())


@contextmanager
def pretender(server: EmbeddedServer, program: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process of the user's in the data directory, with the server's id in its file."""
    process = subprocess.Popen([program, "60"], cwd=server.data_directory)
    lines = [process.pid, server.data_directory, int(time.time()), 5432, "", "", "", "ready   "]
    pid_file = server.data_directory / "postmaster.pid"
    kept = pid_file.read_bytes() if pid_file.exists() else None
    pid_file.write_text("\n".join(map(str, lines)) + "\n")
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        pid_file.unlink(missing_ok=True)
        if kept is not None:
            pid_file.write_bytes(kept)


@needs_proc
def test_a_process_that_is_not_the_server_is_not_stopped(stopped: EmbeddedServer) -> None:
    with pretender(stopped, "sleep") as process:
        assert stopped.pid() is None
        assert not stopped.stop()
        assert process.poll() is None


@needs_proc
def test_nor_is_one_whose_id_stands_in_a_running_server_s_file(server: EmbeddedServer) -> None:
    with pretender(server, "sleep") as process:
        with pytest.raises(StoreError, match="another container"):
            server.stop()
        assert process.poll() is None
    assert ask(server, "SELECT 1") == 1


def start_plainly(server: EmbeddedServer, home: Path) -> None:
    server.start()


def start_without_namespaces(server: EmbeddedServer, home: Path) -> None:
    shutil.rmtree(server.data_directory)  # to see it made in this way, too
    assert python(WITHOUT_NAMESPACES, home).communicate() == ("", "")
    assert server.data_directory.stat().st_uid != 0


@pytest.fixture(scope="module", params=[start_plainly, start_without_namespaces])
def reachable(request: pytest.FixtureRequest, cluster: Path) -> Iterator[EmbeddedServer]:
    """Give a server in a directory that others can reach, run in each way that root has."""
    start: Callable[[EmbeddedServer, Path], None] = request.param
    with tempfile.TemporaryDirectory(prefix="btstore-open-") as directory:
        Path(directory).chmod(0o755)  # as pytest's own are not
        home = Path(directory) / "home"
        with furnished(home, cluster) as server:
            start(server, home)
            yield server


@needs_root
def test_another_user_cannot_connect(reachable: EmbeddedServer) -> None:
    assert ask(reachable, "SELECT 1") == 1
    said = {uid: said_to(uid, reachable) for uid in (1, NOBODY)}
    assert said == {1: "Permission denied", NOBODY: "Permission denied"}


@needs_root
def test_the_server_itself_turns_another_user_away(reachable: EmbeddedServer) -> None:
    path = reachable.socket_directory / ".s.PGSQL.5432"
    for opened in (reachable.socket_directory.parent, reachable.socket_directory, path):
        opened.chmod(0o777)
    said = {uid: said_to(uid, reachable) for uid in (1, NOBODY)}
    for opened in (reachable.socket_directory.parent, reachable.socket_directory):
        opened.chmod(0o700)
    assert all("Peer authentication failed" in answer for answer in said.values()), said
    assert ask(reachable, "SELECT 1") == 1


def said_to(uid: int, server: EmbeddedServer) -> str:
    """Return what a process of another user hears when it asks to be let in."""
    listen, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.write(tell, ask_to_be_let_in(server))
        except OSError as error:
            os.write(tell, str(error.strerror).encode())
        finally:
            os._exit(0)
    os.close(tell)
    os.waitpid(child, 0)
    with os.fdopen(listen) as answer:
        return answer.read()


def ask_to_be_let_in(server: EmbeddedServer) -> bytes:
    words = b"user\0btstore\0database\0btstore\0\0"
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(server.socket_directory / ".s.PGSQL.5432"))
        client.sendall(struct.pack("!ii", 8 + len(words), 196608) + words)
        return client.recv(4096).replace(b"\0", b" ")
