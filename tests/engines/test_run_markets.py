"""Quotes and trades from files, windows and searches: one table of figures for every engine."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.capture.metrics_of_1_221 import waves
from tests.capture.stores import stored
from tests.engines.test_run import btstore, records

pytestmark = pytest.mark.usefixtures("forked_reproduction")
QUOTES = """
strategy = "sma_crossover"
parameters = {fast_period = 2, slow_period = 5, trade_size = 10000}
data = {path = "AUDUSD.SIM-quotes.csv", instrument = "AUD/USD.SIM", bar = "1-HOUR-MID"}
venue = {leverage = 20}
"""
TRADES = """
strategy = "momentum"
parameters = {lookback = 3, trade_size = 1000}
data = {path = "ACME.XNAS-trades.csv", instrument = "ACME.XNAS", bar = "1-HOUR-LAST"}
venue = {taker_fee = 0.0005}
"""
WINDOWS = """
strategy = "sma_crossover"
parameters = {fast_period = 10, slow_period = 50, equity_fraction = 0.95}
data = {source = "sp500_daily", start = 2008-01-01, end = 2011-12-31}
grid = {fast_period = [5, 20], walk = {train = "2y", test = "1y"}}
"""
SEARCHED = """
strategy = "sma_crossover"
parameters = {fast_period = 10, slow_period = 50, equity_fraction = 0.95}
data = {source = "sp500_daily", start = 2008-01-01, end = 2011-12-31}
grid = {seed = 3, fast_period = {from = 2, to = 20, step = 1}}
"""
# Trades, net profit and fees of each run. 1.221 fills an order that is larger than a trade otherwise.
IS_1_221 = version("nautilus_trader").startswith("1.221")
TRADED = (
    [(21, -2663.48, 1465.33), (14, -1685.9, 977)]
    if IS_1_221
    else [(21, -2393.35, 1465.21), (14, -1565.86, 976.97)]
)
IN_WINDOWS = [
    *((6, 5378.04, 0), (1, 13388.48, 0), (5, 34971.26, 0), (6, -11421.12, 0)),
    *((4, 3155.89, 0), (1, 9126.52, 0), (4, 21580.01, 0), (3, -12317.24, 0)),
]
FOUND = [(11, 9247.7, 0), (12, 3905.72, 0), (15, -6086.55, 0)]


@pytest.fixture
def markets(tmp_path: Path) -> Path:
    """A folder with a file of quotes, and one of trades, ten minutes apart."""
    prices = waves(900)
    moments = [f"2024-01-{2 + n // 144:02}T{n // 6 % 24:02}:{n % 6}0:00Z" for n in range(900)]
    quotes = [f"{price:.5f},{price + 0.0001:.5f},1000000,1000000" for price in prices]
    trades = [
        f"{100 * price:.2f},{n % 7 + 1},{'BUYER' if n % 3 else 'SELLER'}"
        for n, price in enumerate(prices)
    ]
    for name, head, rows in (
        ("AUDUSD.SIM-quotes.csv", "bid,ask,bid_size,ask_size", quotes),
        ("ACME.XNAS-trades.csv", "price,size,side", trades),
    ):
        lines = [f"{moment},{row}" for moment, row in zip(moments, rows, strict=True)]
        (tmp_path / name).write_text("\n".join([f"timestamp,{head}", *lines]))
    return tmp_path


@pytest.mark.parametrize(
    ("config", "arguments", "figures"),
    [
        (QUOTES, [], [(16, -73.4, 0)]),
        (TRADES, ["--set", "lookback=3,5"], TRADED),
        (WINDOWS, [], IN_WINDOWS),
        (SEARCHED, ["--search", "tpe", "--trials", "3"], FOUND),
    ],
    ids=["quotes", "trades", "windows", "search"],
)
def test_every_engine_comes_to_these_figures(
    store: str, markets: Path, config: str, arguments: list[str], figures: list[Any]
) -> None:
    path = markets / "run.toml"
    path.write_text(config)
    ran = records("run", path, *arguments)
    names = ("total_trades", "net_profit", "total_fees")
    found = [tuple(float(run[name]) for name in names) for run in ran]
    assert found == figures
    last = ran[-1]["run_id"]
    assert json.loads(btstore("reproduce", last, "--format", "json").out)
    (again,) = [run for run in stored(store) if run["reproduced_from"] is not None]
    (original,) = [run for run in stored(store) if run["run_id"] == again["reproduced_from"]]
    same = ("config_hash", "data_fingerprint", "net_profit", "period_returns")
    assert str(original["run_id"]) == last
    assert {name: again[name] for name in same} == {name: original[name] for name in same}
