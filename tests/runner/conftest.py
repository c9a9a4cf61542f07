"""Backtests from the content of configs, with engines that are ready to run."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.model.instruments import Instrument

from backtest_store.runner.config.expansion import Backtest, expand
from backtest_store.runner.config.loading import Config, parse_config
from backtest_store.runner.config.timestamps import to_datetime
from backtest_store.runner.facts_before_run import Facts, facts_of
from backtest_store.runner.nautilus1.node import SharingNode, parse


@dataclass
class PreparedBacktest:
    """A backtest, what is known of it, and its engine with all that it needs."""

    backtest: Backtest
    facts: Facts
    engine: BacktestEngine
    start: datetime
    end: datetime

    @property
    def parameters(self) -> dict[str, Any]:
        """What the strategy is told."""
        found: dict[str, Any] = self.backtest.run_config["engine"]["strategies"][0]["config"]
        return found

    @property
    def instrument(self) -> Instrument:
        """The one instrument."""
        (instrument,) = self.engine.cache.instruments()
        return instrument


def prepare(config: Config) -> PreparedBacktest:
    """Make the engine that a config describes, as a node does."""
    backtest = expand(config)
    facts = facts_of(backtest)
    run_config = parse(json.dumps(backtest.run_config | {"raise_exception": True}))
    node = SharingNode([run_config])
    node.build()
    (engine,) = node.get_engines()
    times = []
    for data in run_config.data:
        found = node.load_data_config(data).data
        engine.add_data(found)
        times += [found[0].ts_init, found[-1].ts_init] if found else []
    return PreparedBacktest(
        backtest, facts, engine, to_datetime(min(times)), to_datetime(max(times))
    )


Preparing = Callable[..., PreparedBacktest]


@pytest.fixture(autouse=True)
def _own_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, request: Any
) -> None:
    """Keep the catalogs that are made of files out of this user's home."""
    if "store" not in request.fixturenames and "home" not in request.fixturenames:
        monkeypatch.setenv("BTSTORE_HOME", str(tmp_path_factory.getbasetemp() / "catalogs-home"))


@pytest.fixture
def preparing() -> Iterator[Preparing]:
    """Prepare backtests from the content of a config, and dispose of their engines."""
    made: list[PreparedBacktest] = []

    def make(content: dict[str, Any]) -> PreparedBacktest:
        made.append(prepare(parse_config(content, origin="test")))
        return made[-1]

    yield make
    for prepared in made:
        prepared.engine.dispose()
