"""The short form on catalogs that 2.0 wrote: bars, quotes and trades, each told apart."""

from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.model import AggressorSide, Price, Quantity, QuoteTick, TradeId, TradeTick
from nautilus_trader.persistence import ParquetDataCatalog

from backtest_store.errors import UsageError
from backtest_store.runner.config.loading import parse_config
from backtest_store.runner.config_runs import execute
from tests.capture.metrics_of_1_221 import waves
from tests.nautilus2.backtests import AUD, START, USD, bars_of, pair, share

MINUTE = 60 * 10**9
CLOSES = [100, 101, 102, 101, 99, 97, 96, 98, 101, 104, 105, 103, 100, 98, 97, 99, 102, 106]


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A catalog of daily bars and trades of a share, and of quotes of a pair."""
    written, forex, shares = ParquetDataCatalog(str(tmp_path)), pair("AUD/USD", AUD, USD), share()
    written.write_instruments([forex])
    written.write_instruments([shares])
    written.write_bars(bars_of(shares, CLOSES))
    times = [int(START.timestamp()) * 10**9 + (10 * n + 1) * MINUTE for n in range(900)]
    size, lots = Quantity(1_000_000, 6), Quantity.from_int(5)
    prices = list(zip(times, waves(900), strict=True))
    written.write_quote_ticks(
        [QuoteTick(forex.id, Price(p, 5), Price(p + 1e-4, 5), size, size, t, t) for t, p in prices]
    )
    bought = AggressorSide.BUY
    written.write_trade_ticks(
        [
            TradeTick(shares.id, Price(100 * p, 2), lots, bought, TradeId(str(t)), t, t)
            for t, p in prices
        ]
    )
    return tmp_path


def ran(catalog: Path, instrument: str, parameters: dict[str, Any], **data: str) -> Any:
    config = {
        "strategy": "sma_crossover",
        "directory": str(catalog),
        "parameters": {"fast_period": 2, "slow_period": 4, **parameters},
        "data": {"catalog": ".", "instrument": instrument, **data},
        "venue": {"leverage": 20},
    }
    return execute(parse_config(config, origin="short.toml"))


def test_bars_of_a_catalog_that_holds_trades_too_are_run(store: str, catalog: Path) -> None:
    run = ran(catalog, "ACME.XNAS", {"equity_fraction": 0.95}, bar="1-DAY")
    assert run.status == "success"
    # The figures of the same closes from a file, in tests/engines.
    assert run.total_trades == 1
    assert float(run.net_profit) == -940 + 922 * 4


@pytest.mark.parametrize(
    ("instrument", "type_", "bar"),
    [("AUD/USD.SIM", "quotes", "1-HOUR-MID"), ("ACME.XNAS", "trades", "1-HOUR-LAST")],
)
def test_bars_are_made_of_ticks_of_a_catalog(
    store: str, catalog: Path, instrument: str, type_: str, bar: str
) -> None:
    run = ran(catalog, instrument, {"trade_size": 4}, type=type_, bar=bar)
    assert run.status == "success"
    assert run.total_trades > 10
    assert run.returns_count == 7
    assert str(catalog) in str(run.data_source)


def test_what_a_catalog_lacks_is_told(store: str, catalog: Path) -> None:
    with pytest.raises(UsageError, match=r"has no TradeTick of AUD/USD\.SIM"):
        ran(catalog, "AUD/USD.SIM", {"trade_size": 4}, type="trades", bar="1-HOUR-LAST")
