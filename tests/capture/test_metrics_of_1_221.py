"""A metric is the same number on every release of the engine: these were computed on 1.221."""

from dataclasses import fields

from nautilus_trader.model.currencies import AUD, USD
from nautilus_trader.model.objects import Money

from backtest_store import record
from backtest_store.models import Metrics
from tests.capture.backtests import MINUTE, backtest, pair
from tests.capture.metrics_of_1_221 import ENGINES_OWN, EXPECTED, ORDERS, waves


def test_metrics_are_the_same_on_every_engine(store: str) -> None:
    made = backtest(
        waves(10_000),
        ORDERS,
        instrument=pair("AUD/USD", AUD, USD, fee="0.00002"),
        step=MINUTE,
        balances=[Money(100_000, USD)],
        strategy={"close_on_stop": True},
    )
    with record(made) as run:
        made.run()
    (saved,) = run.records
    names = {field.name for field in fields(Metrics)} - ENGINES_OWN
    assert {name: getattr(saved, name) for name in names} == EXPECTED
