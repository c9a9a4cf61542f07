"""The engine in Rust that 1.231 carries is recorded as that of 2.0 is."""

from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.core import nautilus_pyo3

from tests.capture.stores import only, shared_url, store
from tests.runner.test_exec import btstore, count_in

__all__ = ["shared_url", "store"]

MARKET = """
from nautilus_trader.core import nautilus_pyo3 as rust

USD = rust.Currency.from_str("USD")
SHARE = rust.Equity(
    instrument_id=rust.InstrumentId.from_str("ACME.XNAS"),
    raw_symbol=rust.Symbol("ACME"),
    currency=USD,
    price_precision=2,
    price_increment=rust.Price.from_str("0.01"),
    lot_size=rust.Quantity.from_int(1),
    ts_event=0,
    ts_init=0,
)
DAILY = rust.BarType.from_str("ACME.XNAS-1-DAY-LAST-EXTERNAL")
SIZE = rust.Quantity.from_int(1_000_000)


def bar(number, price):
    value = rust.Price(price, 2)
    time = (1_704_067_200 + number * 86_400) * 10**9
    return rust.Bar(DAILY, value, value, value, value, SIZE, time, time)


class Buyer(rust.Strategy):
    def __init__(self, config=None):
        self.bars = 0

    def on_start(self):
        self.subscribe_bars(DAILY)

    def on_bar(self, bar):
        self.bars += 1
        if self.bars == 1:
            quantity = rust.Quantity.from_int(10)
            self.submit_order(self.order_factory.market(SHARE.id, rust.OrderSide.BUY, quantity))
        if self.bars == RAISES_AT:
            raise ValueError("enough")
"""
ENGINE = """
engine = rust.BacktestEngine(
    rust.BacktestEngineConfig(logging=rust.LoggerConfig(bypass_logging=True))
)
engine.add_venue(
    venue=rust.Venue("XNAS"),
    oms_type=rust.OmsType.NETTING,
    account_type=rust.AccountType.MARGIN,
    starting_balances=[rust.Money(100_000.0, USD)],
    base_currency=USD,
)
engine.add_instrument(SHARE)
engine.add_data([bar(number, price) for number, price in enumerate([100, 110, 120, 115])])
engine.add_strategy(Buyer())
engine.run()
print(engine.get_result().total_orders)
"""
NODE = """
from tempfile import mkdtemp

import backtests

catalog = mkdtemp()
written = rust.ParquetDataCatalog(catalog)
written.write_instruments([backtests.SHARE])
written.write_bars([backtests.bar(number, price) for number, price in enumerate([100, 110, 120, 115])])
venue = rust.BacktestVenueConfig(
    name="XNAS",
    oms_type=rust.OmsType.NETTING,
    account_type=rust.AccountType.MARGIN,
    book_type=rust.BookType.L1_MBP,
    starting_balances=["100000 USD"],
    base_currency=backtests.USD,
)
data = rust.BacktestDataConfig(
    data_type="Bar", catalog_path=catalog, instrument_id=backtests.SHARE.id
)
quiet = rust.BacktestEngineConfig(logging=rust.LoggerConfig(bypass_logging=True))
config = rust.BacktestRunConfig(
    venues=[venue], data=[data], engine=quiet, dispose_on_completion=True
)
node = rust.BacktestNode([config])
node.build()
paths = "backtests:Buyer", "backtests:BuyerConfig"
node.add_strategy_from_config(config.id, rust.ImportableStrategyConfig(*paths, {}))
print(node.run()[0].total_orders)
"""
CONFIG = """

class BuyerConfig(rust.StrategyConfig):
    pass
"""
HAS_ONE = hasattr(nautilus_pyo3, "BacktestEngine") and hasattr(nautilus_pyo3, "Strategy")
pytestmark = pytest.mark.skipif(not HAS_ONE, reason="this release carries no engine in Rust")


@pytest.mark.parametrize(("raises_at", "status"), [(0, "success"), (3, "failed")])
def test_run_of_the_rust_engine_is_recorded(
    store: str, tmp_path: Path, raises_at: int, status: str
) -> None:
    path = tmp_path / "script.py"
    path.write_text(f"RAISES_AT = {raises_at}\n{MARKET}{ENGINE}")
    ran = btstore(path)
    assert (ran.returncode, ran.stdout) == (0, "1\n"), ran.stderr
    assert count_in(ran.stderr) == "1"
    saved = only(store)
    assert (saved["status"], saved["strategy_name"]) == (status, "Buyer")
    sources = saved["provenance"]["source_sha256"]
    assert {*sources} == {str(path), "values that the code looks up"}  # of these, RAISES_AT
    assert saved["config_hash"] is not None
    if status == "success":  # ten shares bought at 100, at 115 in the end
        assert Decimal(str(saved["net_profit"])) == Decimal(150)
        assert saved["returns_count"] == 4
    else:
        assert saved["error_message"] == "enough"
        assert "in on_bar" in saved["error_traceback"]


def test_a_node_of_the_rust_engine_is_heard_before_it_lets_go_of_it(
    store: str, tmp_path: Path
) -> None:
    (tmp_path / "backtests.py").write_text(f"RAISES_AT = 0\n{MARKET}{CONFIG}")
    path = tmp_path / "script.py"
    path.write_text(f"from nautilus_trader.core import nautilus_pyo3 as rust\n{NODE}")
    ran = btstore(path)
    assert (ran.returncode, ran.stdout) == (0, "1\n"), ran.stderr
    saved = only(store)
    assert (saved["status"], saved["equity_basis"]) == ("success", "mark_to_market")
    assert Decimal(str(saved["net_profit"])) == Decimal(150)
    assert not any("disposed" in warning for warning in saved["warnings"])
