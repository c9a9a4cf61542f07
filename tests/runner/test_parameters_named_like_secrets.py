"""Names that are a programmer's secrets and a trader's parameters: kept, told apart, run again."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from backtest_store.models import Record
from backtest_store.runner.config.loading import parse_config
from backtest_store.runner.config_runs import execute
from backtest_store.runner.reproduce.reproduction import repeat, script_needed
from backtest_store.runs.changes.causes import Reproduction
from backtest_store.runs.selectors import resolve
from backtest_store.store.connecting.connection import call
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.runner.test_config_to_engine import MOMENTUM

SECRET = "s3cr3t-Zz9"  # noqa: S105 - planted, to be looked for in what is stored
STRATEGY = """
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import BarType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

class TradersConfig(StrategyConfig, frozen=True):
    instrument_id: InstrumentId
    bar_type: BarType
    token: str = "BTCUSDT"
    base_token: str = "SOL"
    sig: str = "5"
    pin: str = "pin_bar"
    pat: str = "hammer"
    key: str = "level"
    token_bucket_rate: int = 10
    api_key: str = ""

class Traders(Strategy):
    def on_start(self):
        self.subscribe_bars(self.config.bar_type)
"""


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as in a notebook, beside a database whose password is a word."""
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    monkeypatch.setenv("POSTGRES_PASSWORD", "nautilus")


def run(directory: Path, **parameters: Any) -> Record:
    """Run the strategy with some parameters, and store it."""
    (directory / "of_traders.py").write_text(STRATEGY, encoding="utf-8")
    content = {
        "strategy": "of_traders:Traders",
        "data": MOMENTUM["data"],
        "directory": str(directory),
        "parameters": parameters,
    }
    done = execute(parse_config(content, origin="test"))
    assert done.status == "success", done.error_message
    return done


def test_a_trader_s_names_are_stored_and_run_again(store: str, tmp_path: Path) -> None:
    original = run(tmp_path, sig="5,9,50", base_token="BONK")  # noqa: S106 - not a secret, that is the point
    assert "[redacted]" not in json.dumps(stored(store))
    assert original.parameters["sig"] == "5,9,50"
    assert original.parameters["token"] == "BTCUSDT"  # noqa: S105 - likewise
    found = call(lambda db: resolve(db, str(original.run_id)))
    assert script_needed(found) is None
    again = call(lambda db: resolve(db, str(repeat(found).run_id)))
    assert Reproduction(found, again).verdict == "identical"


def test_runs_that_differ_in_such_a_name_are_different(store: str, tmp_path: Path) -> None:
    changes: list[dict[str, str]] = [
        {}, {"sig": "5,9,50"}, {"pin": "doji"}, {"pat": "star"}, {"key": "daily"},
        {"base_token": "BONK"}, {"token": "ETHUSDT"},
    ]  # fmt: skip
    hashes = {run(tmp_path, **change).config_hash for change in changes}
    assert len(hashes) == len(changes)


def test_a_hash_is_not_of_what_is_redacted(store: str, tmp_path: Path) -> None:
    first, second = (run(tmp_path, api_key=f"{SECRET}-{n}") for n in (1, 2))
    assert first.config_hash != second.config_hash
    seen = json.dumps(stored(store))
    assert SECRET not in seen
    assert "[redacted]" in seen
