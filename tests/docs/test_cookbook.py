"""Each file of the cookbook runs, and the page of keys is what the classes say."""

import math
import random
import re
from pathlib import Path

import pytest

from backtest_store.capture.engines.supported_versions import engine_version
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.docs import config_reference
from tests.runner.test_long_form import catalog, waves
from tests.shell import btstore

COOKBOOK = Path(__file__).parents[2] / "docs" / "cookbook.md"
BLOCK = re.compile(r'```\w+ title="([^"]+)"\n(.*?)```', re.DOTALL)
FILES = dict(BLOCK.findall(COOKBOOK.read_text("utf-8")))
RUNS = {"grid.toml": 6, "walk.toml": 16, "files.toml": 2, "nautilus.toml": 2}
BREAKOUT = """
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

class BreakoutConfig(StrategyConfig, frozen=True):
    instrument_id: InstrumentId
    bar_type: BarType
    channel: int
    trade_size: int

class Breakout(Strategy):
    def on_start(self):
        self.closes = []
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar):
        before = self.closes[-self.config.channel:]
        self.closes.append(bar.close)
        if len(before) < self.config.channel:
            return
        if bar.close > max(before) and self.portfolio.is_flat(self.config.instrument_id):
            instrument = self.cache.instrument(self.config.instrument_id)
            quantity = instrument.make_qty(self.config.trade_size)
            self.submit_order(self.order_factory.market(instrument.id, OrderSide.BUY, quantity))
        if bar.close < min(before):
            self.close_all_positions(self.config.instrument_id)
"""


def prices(path: Path, start: float) -> None:
    """Write four years of daily bars that go up and down."""
    chance = random.Random(path.name)
    rows, close = ["date,open,high,low,close,volume"], start
    for day in range(1461):
        opening = close
        close = round(close * (1 + 0.01 * math.sin(day / 40) + chance.gauss(0, 0.01)), 2)
        high, low = max(opening, close) + 0.5, min(opening, close) - 0.5
        stamp = 1_577_836_800 + day * 86_400
        rows.append(f"{stamp},{opening},{high:.2f},{low:.2f},{close},{100_000 + day}")
    path.write_text("\n".join(rows))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder that the cookbook speaks of."""
    from nautilus_trader.model.data import QuoteTick
    from nautilus_trader.test_kit.providers import TestInstrumentProvider

    place = tmp_path_factory.mktemp("cookbook")
    for name, text in FILES.items():
        (place / name).write_text(text)
    (place / "breakout.py").write_text(BREAKOUT)
    prices(place / "AAPL.XNAS.csv", 100)
    prices(place / "prices-of-microsoft.csv", 200)
    prices(place / "ESZ4.XCME.csv", 3000)
    instrument = TestInstrumentProvider.default_fx_ccy("EUR/USD")
    price, size = instrument.make_price, instrument.make_qty(1_000_000)
    quotes = [
        QuoteTick(instrument.id, price(1.1 + w / 100), price(1.1001 + w / 100), size, size, t, t)
        for t, w in waves(4000)
    ]
    catalog(place / "catalog", instrument, quotes)
    return place


def test_there_are_eight() -> None:
    assert len(FILES) == 8


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_cookbook_runs(name: str, folder: Path, store: str) -> None:
    answer = btstore("run", str(folder / name), "--format", "json")
    assert answer.code == 0, answer.err
    runs = stored(store)
    assert len(runs) == RUNS.get(name, 1), answer.err
    assert {run["status"] for run in runs} == {"success"}
    assert sum(run["total_trades"] for run in runs) > 1


def test_the_page_of_keys_is_true() -> None:
    if engine_version() != "1.221.0":
        pytest.skip("the page describes the oldest NautilusTrader")
    made = config_reference.page()
    assert config_reference.PAGE.read_text("utf-8") == made, "run `make docs`"
    assert "| `slippage_ticks` | `0` |" in made
    assert "| `default_leverage` |" in made
