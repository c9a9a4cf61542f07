"""The engine in Rust that 1.231 carries is recorded as that of 2.0 is."""

from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.core import nautilus_pyo3

from tests.capture.stores import only, shared_url, store
from tests.runner.test_exec import btstore, count_in

__all__ = ["shared_url", "store"]

SCRIPT = """
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
HAS_ONE = hasattr(nautilus_pyo3, "BacktestEngine") and hasattr(nautilus_pyo3, "Strategy")
pytestmark = pytest.mark.skipif(not HAS_ONE, reason="this release carries no engine in Rust")


@pytest.mark.parametrize(("raises_at", "status"), [(0, "success"), (3, "failed")])
def test_run_of_the_rust_engine_is_recorded(
    store: str, tmp_path: Path, raises_at: int, status: str
) -> None:
    path = tmp_path / "script.py"
    path.write_text(f"RAISES_AT = {raises_at}\n{SCRIPT}")
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
