"""Embedded servers of a test's own, stopped whatever happens."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from backtest_store.database.embedded import EmbeddedServer
from tests.database.servers import MakeServer


@pytest.fixture
def embed() -> Iterator[MakeServer]:
    """Make servers that are stopped after the test."""
    with ExitStack() as afterwards:

        def make(home: Path) -> EmbeddedServer:
            server = EmbeddedServer(home)
            afterwards.callback(server.stop)
            return server

        yield make


@pytest.fixture(scope="module")
def module_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """Give one server to all tests of a module."""
    server = EmbeddedServer(tmp_path_factory.mktemp("module") / "home")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(module_server: EmbeddedServer) -> EmbeddedServer:
    """Give the module's server, running, whatever the test before did to it."""
    module_server.start()
    return module_server


@pytest.fixture
def stopped(module_server: EmbeddedServer) -> EmbeddedServer:
    """Give the module's server, stopped."""
    module_server.stop()
    return module_server


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a cluster to copy, which is faster than to make one."""
    server = EmbeddedServer(tmp_path_factory.mktemp("original") / "home")
    try:
        server.start()
    finally:
        server.stop()
    return server.data_directory


@pytest.fixture
def furnish(cluster: Path, embed: MakeServer) -> MakeServer:
    """Make servers whose cluster is there already."""

    def make(home: Path) -> EmbeddedServer:
        home.mkdir(mode=0o700, parents=True)
        shutil.copytree(cluster, home / "pgdata")
        return embed(home)

    return make
