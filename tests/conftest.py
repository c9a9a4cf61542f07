"""One real PostgreSQL server a test session, one migrated template, a clone of it a test."""

import gc
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psycopg
import pytest
import pytest_asyncio
from hypothesis import settings
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from backtest_store.capture.engines.supported_versions import engine_version
from backtest_store.saving import save
from backtest_store.store import migrations
from backtest_store.store.embedded.server import EmbeddedServer
from tests import forked
from tests.disks import quick_disk
from tests.number_of_tries import tries

OTHER_ENGINE = re.compile(
    r"No module named 'nautilus_trader\.|cannot import name '\w+' from 'nautilus_trader\."
)
SERVER_HOME = "BTSTORE_TEST_SERVER_HOME"
sys.dont_write_bytecode = False
settings.register_profile(
    "patient", deadline=None, max_examples=tries(30, 100)
)  # a busy machine is no failure
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    """Forget the user's own store, and start one server before any worker looks for it."""
    for name in [n for n in os.environ if n.startswith(("BTSTORE_", "PG")) and n != SERVER_HOME]:
        del os.environ[name]
    # What a shell starts in the background ignores Ctrl-C, and so would all that tests start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Hundreds of processes import the same modules: none is to compile them again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # Scripts that tests write import the tests' own modules, which no install makes importable.
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    if SERVER_HOME not in os.environ:
        place = tempfile.mkdtemp(prefix="bt-", dir=quick_disk())  # a socket's path must be short
        os.environ[SERVER_HOME] = place
        config.option.basetemp = config.option.basetemp or f"{place}/t"
        config.add_cleanup(_stop_server)
    address = urlsplit(_server().start())
    where = parse_qs(address.query)
    config.option.postgresql_host = where["host"][0]
    config.option.postgresql_port = where["port"][0]
    config.option.postgresql_user = address.username


def _server() -> EmbeddedServer:
    return EmbeddedServer(Path(os.environ[SERVER_HOME]) / "home")


def _stop_server() -> None:
    _server().stop()
    shutil.rmtree(os.environ.pop(SERVER_HOME), ignore_errors=True)


def _url(database: str) -> str:
    return urlsplit(_server().url())._replace(path=f"/{database}").geturl()


def _migrate(*, dbname: str, **_: object) -> None:
    migrations.migrate(_url(dbname))


template = factories.postgresql_noproc(load=[_migrate])
clone = factories.postgresql("template")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the environment a fresh `BTSTORE_HOME`."""
    monkeypatch.setenv("BTSTORE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def store_url(
    clone: "psycopg.Connection[object]", home: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Give the environment a fresh, migrated store of its own."""
    url = _url(clone.info.dbname)
    monkeypatch.setenv("BTSTORE_DATABASE_URL", url)
    return url


@pytest.fixture
def unmigrated_url(
    clone: "psycopg.Connection[object]", home: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Give the environment a shared store that has no schema yet."""
    url = _url(clone.info.dbname)
    while migrations.rollback(url):
        pass
    monkeypatch.setenv("BTSTORE_DATABASE_URL", url)
    return url


@pytest.fixture(autouse=True)
def own_modules(request: pytest.FixtureRequest) -> Iterator[None]:
    """Forget what a test imported from its own folder: the next one's may have the same names."""
    yield
    folder = str(request.node.funcargs.get("tmp_path", "no folder"))
    sys.path[:] = [place for place in sys.path if not place.startswith(folder)]
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(folder):
            del sys.modules[name]


@pytest.fixture
def forked_reproduction(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `reproduce` run in forks of a process that has NautilusTrader already."""
    monkeypatch.setattr("backtest_store.runner.reproduce.reproduction.subprocess", forked)


@pytest_asyncio.fixture
async def db(template: NoopExecutor) -> AsyncIterator[asyncpg.Connection]:
    """Give a connection to a migrated store; what the test writes is rolled back."""
    connection = await asyncpg.connect(_url(template.template_dbname), statement_cache_size=0)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """End the thread that saves, while its test's store is still there.

    Else a save of one test would go on in the next, and warn there that its store is gone.
    """
    saver = save._process._saver
    if saver is not None and saver.is_alive():
        saver.close()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without looking for garbage: half a million objects stay, and none of them is."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Skip, and say so, the modules that need the other one of NautilusTrader's two engines."""
    report = yield
    second = engine_version() is not None and str(engine_version()).startswith("2")
    is_of_second = "tests/nautilus2/" in collector.nodeid
    if report.failed and is_of_second != second and OTHER_ENGINE.search(str(report.longrepr)):
        needed = "2.x" if is_of_second else "1.x"
        report.outcome = "skipped"
        reason = f"Skipped: needs NautilusTrader {needed}, was {engine_version()}"
        report.longrepr = (str(collector.path), 0, reason)
    return report
