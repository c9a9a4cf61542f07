"""A user whom the system has no name and no home for, as containers have them, loses nothing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from backtest_store.store.settings import home as home_of_environment
from tests.faults.servers import Server
from tests.store.servers import needs_root

HOMELESS = 100_000 + os.getpid()  # tests that run at once are not one user
# As that user, who may read everything, since this checkout may be where nobody else may look.
LAUNCH = """
import os, sys
from backtest_store.store.embedded import run_as_user
run_as_user.CAP_DAC_OVERRIDE = 2  # CAP_DAC_READ_SEARCH
run_as_user.account(int(sys.argv[1]), int(sys.argv[1]))
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
SAVE = """
from backtest_store.saving import save, background_saver
background_saver.PATIENCE = 1.0
from tests.factories import make_record
print(save.save_record(make_record()))
"""
MAIN = "from backtest_store.cli.app import entry; entry()"
pytestmark = needs_root


@pytest.fixture
def place() -> Iterator[Path]:
    """Give the folder that such a user's home is in the end."""
    path = Path("/var/tmp") / f"btstore-{HOMELESS}"  # noqa: S108 - that is where it is
    yield path
    if path.is_symlink():
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the URL of a store that lets in anybody."""
    server = Server(tmp_path_factory.mktemp("shared") / "server").create()
    try:
        server.start()
        yield server.url("store")
    finally:
        server.stop()


def as_nobody(
    code: str, *words: str, url: str | None = None, home: str | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run Python code as a user without a name, and without a home unless one is given."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    if url is not None:
        environment["BTSTORE_DATABASE_URL"] = url
    if home is not None:
        environment["HOME"] = home
    return subprocess.run(
        [sys.executable, "-c", LAUNCH, str(HOMELESS), "-c", code, *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd="/",
        umask=0o022,
    )


@pytest.mark.parametrize("home", [None, "/", "/nonexistent"])
def test_a_run_is_saved_in_the_database(shared: str, place: Path, home: str | None) -> None:
    before = runs_in(shared)
    ran = as_nobody(SAVE, url=shared, home=home)
    assert (ran.stdout, ran.stderr) == ("True\n", "")
    assert runs_in(shared) == before + 1


def runs_in(url: str) -> int:
    """Return how many runs a store has."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*)::int FROM backtest_runs").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("home", [None, "/"])
def test_a_run_waits_in_a_place_of_the_user_s_own(place: Path, home: str | None) -> None:
    ran = as_nobody(SAVE, url="postgresql://u@127.0.0.1:1/d", home=home)
    assert ran.stdout == "False\n"
    assert "Traceback" not in ran.stderr
    (waiting,) = (place / "spool").glob("*.json")
    assert waiting.stat().st_uid == HOMELESS
    assert place.stat().st_mode & 0o777 == 0o700


def test_what_waits_is_saved_once_there_is_a_server(shared: str, place: Path) -> None:
    as_nobody(
        SAVE, url=shared.replace("?", "?connect_timeout=1&").replace("host=", "host=/nowhere")
    )
    assert len(list((place / "spool").glob("*.json"))) == 1
    assert as_nobody(MAIN, "sync", url=shared).returncode == 0


def test_commands_have_no_traceback(shared: str, place: Path) -> None:
    for words in (["history"], ["db", "status"], ["db", "url"]):
        ran = as_nobody(MAIN, *words, url=shared)
        assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr


def test_a_url_without_a_user_asks_for_one(shared: str, place: Path) -> None:
    ran = as_nobody(MAIN, "history", url=shared.replace("btstore@", ""))
    assert ran.returncode == 2
    assert f"the user id {HOMELESS} has no name" in ran.stderr
    assert "postgresql://user@" in ran.stderr


def test_a_place_that_another_prepared_is_refused(place: Path, tmp_path: Path) -> None:
    place.symlink_to(tmp_path)
    ran = as_nobody(MAIN, "history", url="postgresql://u@127.0.0.1:1/d")
    assert f"{place} is not a directory" in ran.stderr
    place.unlink()
    place.mkdir(mode=0o700)
    ran = as_nobody(MAIN, "history", url="postgresql://u@127.0.0.1:1/d")
    assert f"{place} belongs to another user" in ran.stderr


def test_an_existing_home_is_never_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda *_: False)
    (tmp_path / "backtest-store").mkdir()
    assert home_of_environment() == tmp_path / "backtest-store"
