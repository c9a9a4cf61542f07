"""What a run came to: the engine that ran it tells, whatever other engines do beside it."""

from collections.abc import Callable
from typing import Any

import pytest
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import FixedFeeModel
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar
from nautilus_trader.model.enums import AccountType
from nautilus_trader.model.objects import Money

from backtest_store import record, save_run
from tests.capture.backtests import (
    DAY,
    Scripted,
    ScriptedConfig,
    backtest,
    bar_type,
    bars,
    engine,
    share,
)
from tests.capture.stores import only, stored

CLOSES = [100, 110, 120, 130]
TRADES = {0: 10, 1: -10}
BROKE = (
    "at 2024-01-02T00:00:00+00:00: Stopping backtest from"
    " AccountBalanceNegative(balance=-99, currency=USD)"
)


def unbearable() -> BacktestEngine:
    """An engine whose cash account can pay the first fee, and not the second."""
    return backtest(
        CLOSES,
        {0: 10, 1: -1, 2: 1},
        account_type=AccountType.CASH,
        balances=[Money(1_991, USD)],
        fee_model=FixedFeeModel(Money(600, USD), charge_commission_once=False),
    )


class Doing(Scripted):
    """Does something at one of its bars, or when it stops."""

    def __init__(self, at: int | str, what: Callable[["Doing"], Any]) -> None:
        super().__init__(ScriptedConfig(instrument_id=share().id, bar_type=bar_type(share(), DAY)))
        self.at, self.what = at, what

    def on_bar(self, bar: Bar) -> None:
        """Do it, if this is the bar."""
        super().on_bar(bar)
        if self.bars == self.at:
            self.what(self)

    def on_stop(self) -> None:
        """Do it, if this is the time."""
        if self.at == "stop":
            self.what(self)


def doing(at: int | str, what: Callable[[Doing], Any]) -> BacktestEngine:
    made = engine(share())
    made.add_data(bars(share(), CLOSES))
    made.add_strategy(Doing(at, what))
    return made


def shut_down(strategy: Doing) -> None:
    strategy.shutdown_system("enough")


def run(made: BacktestEngine, *, watched: bool) -> None:
    if watched:
        with record(made):
            made.run()
    else:
        made.run()
        save_run(made)


@pytest.mark.parametrize("watched", [True, False])
def test_account_that_cannot_bear_it_stops_the_run(store: str, *, watched: bool) -> None:
    run(unbearable(), watched=watched)
    saved = only(store)
    assert saved["status"] == "stopped"
    if watched:
        assert saved["error_type"] == "AccountBalanceNegative"
        assert saved["error_message"] == BROKE
    else:
        assert saved["error_type"] == "AccountError"
        assert saved["error_message"].startswith("at 2024-01-02T00:00:00+00:00: Stopping backtest")
    assert saved["end_date"] == "2024-01-02T00:00:00+00:00"
    assert (saved["final_balance"], saved["returns_count"]) == (391, 2)


@pytest.mark.parametrize("watched", [True, False])
def test_strategy_that_shuts_the_system_down_stops_the_run(store: str, *, watched: bool) -> None:
    run(doing(2, shut_down), watched=watched)
    saved = only(store)
    assert (saved["status"], saved["error_type"]) == ("stopped", "ShutdownSystem")
    words = " from Doing-000: enough" if watched else ""
    assert saved["error_message"] == f"at 2024-01-02T00:00:00+00:00: Received ShutdownSystem{words}"
    assert saved["total_trades"] == 0


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("at", [len(CLOSES), "stop"])
def test_shutdown_when_the_data_has_ended_is_a_success(
    store: str, at: int | str, *, watched: bool
) -> None:
    run(doing(at, shut_down), watched=watched)
    assert only(store)["status"] == "success"


def test_run_within_a_run_keeps_its_outcome_to_itself(store: str) -> None:
    made = unbearable()

    def within(_: Doing) -> None:
        with record(made, tags=["inner"]):
            made.run()

    outer = doing(4, within)
    with record(outer, tags=["outer"]):
        outer.run()
    states = {run["tags"][0]: (run["status"], run["error_message"]) for run in stored(store)}
    assert states == {"inner": ("stopped", BROKE), "outer": ("success", None)}


def test_engine_is_asked_whatever_ran_after_it(store: str) -> None:
    fine, broke = backtest(CLOSES, TRADES), unbearable()
    fine.run()
    broke.run()
    save_run(fine, tags=["fine"])
    backtest(CLOSES, TRADES).run()
    save_run(broke, tags=["broke"])
    states = {run["tags"][0]: run["status"] for run in stored(store)}
    assert states == {"fine": "success", "broke": "stopped"}


def test_run_after_a_stopped_one_is_a_success(store: str) -> None:
    made = doing(2, shut_down)
    with record(made):
        made.run()
        made.reset()
        made.kernel.trader.strategies()[0].at = None
        made.run()
    assert [run["status"] for run in stored(store)] == ["stopped", "success"]
