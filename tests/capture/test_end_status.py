"""What a run came to: the engine that ran it tells, whatever other engines do beside it."""

import contextlib
import os
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.accounting.error import AccountBalanceNegative
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import FixedFeeModel
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar
from nautilus_trader.model.enums import AccountType
from nautilus_trader.model.objects import Money

from backtest_store import record, save_run
from backtest_store.capture.engine_recorder import UNWATCHED_START, EngineRecorder, StoreSink
from backtest_store.capture.run_details import RunDetails
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


@pytest.mark.parametrize("error", [ValueError("later"), SystemExit(0), KeyboardInterrupt()])
def test_what_comes_after_the_run_changes_nothing_of_it(store: str, error: BaseException) -> None:
    made = backtest(CLOSES, TRADES)
    with pytest.raises(type(error)), record(made):
        run_and_raise(made, error)
    saved = only(store)
    assert (saved["status"], saved["error_type"]) == ("success", None)
    assert (saved["net_profit"], saved["total_trades"]) == (100, 1)


def run_and_raise(made: BacktestEngine, error: BaseException) -> None:
    made.run()
    raise error


def test_run_is_saved_when_it_has_ended_and_not_when_the_block_has(store: str) -> None:
    made = backtest(CLOSES, TRADES)
    with record(made) as recording:
        made.run()
        assert only(store)["run_id"] == str(recording.run_id)


def fail_quietly(made: BacktestEngine) -> None:
    with contextlib.suppress(ValueError):
        made.run()


def test_exception_that_the_caller_handles_is_a_failure(store: str) -> None:
    made = backtest(CLOSES, TRADES, strategy={"raise_at": 2})
    with record(made):
        fail_quietly(made)
    saved = only(store)
    assert (saved["status"], saved["error_message"]) == ("failed", "at bar 2")
    assert "in fail_quietly" in saved["error_traceback"]


def test_run_whose_exception_nobody_saw_is_no_success(store: str) -> None:
    made = backtest(CLOSES, TRADES, strategy={"raise_at": 2})
    fail_quietly(made)
    save_run(made)
    saved = only(store)
    assert (saved["status"], saved.get("net_profit")) == ("interrupted", None)
    assert "did not reach its end" in saved["error_message"]


def test_stream_whose_account_cannot_bear_it_is_stopped(store: str) -> None:
    made = unbearable()
    with pytest.raises(AccountBalanceNegative), record(made):
        made.run(streaming=True)
    saved = only(store)
    assert (saved["status"], saved["error_message"]) == ("stopped", BROKE)
    assert saved["returns_count"] == 2


def raise_account_error(_: Doing) -> None:
    with contextlib.suppress(AccountBalanceNegative):
        raise AccountBalanceNegative(Decimal(-1), USD)


def test_account_error_that_a_strategy_handles_stops_nothing(store: str) -> None:
    made = doing(2, raise_account_error)
    with record(made):
        made.run()
    assert only(store)["status"] == "success"


def test_forked_child_that_leaves_first_decides_nothing(store: str) -> None:
    made = backtest(CLOSES, TRADES)
    child = 0
    with contextlib.suppress(SystemExit), record(made) as recording:
        child = os.fork()
        if child == 0:
            sys.exit(3)
        os.waitpid(child, 0)
        made.run()
    if child == 0:
        os._exit(0)
    assert only(store)["status"] == "success"
    assert only(store)["run_id"] == str(recording.run_id)


def test_forked_child_in_the_midst_of_a_run_decides_nothing(store: str) -> None:
    def leave_in_a_child(_: Doing) -> None:
        child = os.fork()
        if child == 0:
            sys.exit(3)
        os.waitpid(child, 0)

    owner = os.getpid()
    made = doing(2, leave_in_a_child)
    try:
        with record(made):
            made.run()
    finally:
        if os.getpid() != owner:
            os._exit(0)
    assert only(store)["status"] == "success"


def test_forked_child_records_the_runs_that_it_makes(store: str) -> None:
    owner = os.getpid()
    made = backtest(CLOSES, TRADES)
    try:
        with record(made):
            if os.fork() == 0:
                made.run()
            else:
                os.wait()
    finally:
        if os.getpid() != owner:
            os._exit(0)
    assert (only(store)["status"], only(store)["net_profit"]) == ("success", 100)


@pytest.mark.parametrize(("tags", "stored_as"), [("abc", ["abc"]), (None, []), (7, ["7"])])
def test_tags_are_what_the_caller_means(store: str, tags: Any, stored_as: list[str]) -> None:
    made = backtest(CLOSES, TRADES)
    made.run()
    save_run(made, tags=tags)
    again = backtest(CLOSES, TRADES)
    with record(again, tags=tags):
        again.run()
    assert [run["tags"] for run in stored(store)] == [stored_as, stored_as]


def test_recording_that_is_entered_twice_says_so(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = backtest(CLOSES, TRADES)
    recording = record(made)
    for _ in range(2):
        with recording:
            made.run()
        made.reset()
    assert only(store)["status"] == "success"
    said = "btstore: warning: nothing is recorded: this recording was entered before"
    assert capsys.readouterr().err.count(said) == 1


def test_recording_around_an_engine_that_has_run_says_so(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = backtest(CLOSES, TRADES)
    made.run()
    with record(made):
        pass
    assert stored(store) == []
    assert "the run had begun before `record` did" in capsys.readouterr().err


def test_recording_around_an_engine_that_runs_again_is_silent(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = backtest(CLOSES, TRADES)
    made.run()
    with record(made):
        made.reset()
        made.run()
    assert only(store)["status"] == "success"
    assert "nothing" not in capsys.readouterr().err


def test_run_without_data_was_watched(store: str) -> None:
    made = engine(share())
    with record(made):
        made.run()
    assert not any("not watched" in warning for warning in only(store)["warnings"])
    assert any("there was no market data" in warning for warning in only(store)["warnings"])


def test_run_whose_beginning_was_not_heard_says_so(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = backtest(CLOSES, TRADES)
    made.run()
    recorder = EngineRecorder(made, RunDetails(), StoreSink())
    recorder.attach()
    recorder.detach(must_have_run=True)  # as the recorder of a node has it, which called `run`
    assert UNWATCHED_START in only(store)["warnings"]
    assert capsys.readouterr().err.count(f"btstore: warning: {UNWATCHED_START}") == 1
