"""Embedded servers of a test's own, stopped whatever happens."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from backtest_store.store.embedded.server import EmbeddedServer
from tests.store.servers import MakeServer, furnished


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
def furnish(cluster: Path) -> Iterator[MakeServer]:
    """Make servers whose cluster is there already."""
    with ExitStack() as afterwards:
        yield lambda home: afterwards.enter_context(furnished(home, cluster))


@pytest.fixture
def embed() -> Iterator[MakeServer]:
    """Make servers that begin with nothing."""
    with ExitStack() as afterwards:

        def make(home: Path) -> EmbeddedServer:
            server = EmbeddedServer(home)
            afterwards.callback(server.stop)
            return server

        yield make


@pytest.fixture(scope="module")
def module_server(
    tmp_path_factory: pytest.TempPathFactory, cluster: Path
) -> Iterator[EmbeddedServer]:
    """Give one server to all tests of a module."""
    with furnished(tmp_path_factory.mktemp("module") / "home", cluster) as server:
        yield server


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
