"""Run an engine under the eyes of a sampler alone, without a store."""

from decimal import Decimal
from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine

from backtest_store.capture.accounting.equity_sampler import Samples, sampler_of


def watch(engine: BacktestEngine, **run: Any) -> Samples:
    """Run an engine and return what its sampler saw."""
    sampler = sampler_of(engine)

    def begin(event: Any) -> None:
        if event.state.name == "RUNNING":
            sampler.begin(engine)

    engine.kernel.msgbus.subscribe("events.system.DataEngine", begin)
    try:
        engine.run(**run)
    finally:
        engine.kernel.msgbus.unsubscribe("events.system.DataEngine", begin)
    return sampler.end()


def equities(samples: Samples) -> list[Decimal | None]:
    """Return the equity at the end of each day."""
    assert samples.fault is None
    return [value.equity for _, value in samples.days]


def money(*amounts: float | str) -> list[Decimal]:
    """Return amounts as decimals."""
    return [Decimal(str(amount)) for amount in amounts]
