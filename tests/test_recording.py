"""`record` and `save_run` around real engines, on a real store."""

import asyncio
import json
import traceback
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from nautilus_trader.backtest.engine import BacktestEngine

import backtest_store
from backtest_store import record, save_run, save_run_async
from backtest_store.capture.identity.data_fingerprint import fingerprint
from backtest_store.models import METRIC_FIELDS, Record
from tests.capture.backtests import backtest, bars, engine, scripted, share
from tests.capture.stores import only, shared_url, store, stored

__all__ = ["shared_url", "store"]

OURS = str(Path(backtest_store.__file__).parent)
CLOSES = [100, 110, 120, 115, 110, 130]
ORDERS = {0: 10, 2: -20, 4: 10}


def test_run_is_saved_with_what_it_was_and_how_it_went(store: str) -> None:
    made = backtest(CLOSES, ORDERS)
    with record(made, strategy_name="Script", tags=["a", "b"], note="first") as run:
        made.run()
    saved = only(store)
    assert saved["run_id"] == str(run.run_id)
    assert run.run_ids == [run.run_id]
    assert saved["status"] == "success"
    assert (saved["strategy_name"], saved["tags"], saved["note"]) == ("Script", ["a", "b"], "first")
    assert saved["instrument_ids"] == ["ACME.XNAS"]
    assert saved["start_date"] == "2024-01-01T00:00:00+00:00"
    assert saved["end_date"] == "2024-01-06T00:00:00+00:00"
    assert (saved["initial_capital"], saved["currency"]) == (10_000, "USD")
    assert saved["data_source"] == "memory"
    assert saved["equity_basis"] == "mark_to_market"
    assert (saved["total_trades"], saved["winning_trades"]) == (2, 2)
    assert saved["net_profit"] == 300
    assert saved["final_balance"] == 10_300
    assert saved["total_fees"] == 0
    assert saved["returns_count"] == 6
    assert saved["engine_stats"]["pnls"]["USD"]["PnL (total)"] == 300
    assert saved["parameters"]["orders"] == {"0": "10", "2": "-20", "4": "10"}
    assert saved["duration_seconds"] > 0


def test_strategy_is_named_by_its_class_unless_the_caller_does(store: str) -> None:
    made = backtest(CLOSES)
    with record(made):
        made.run()
    assert only(store)["strategy_name"] == "Scripted"
    assert only(store)["strategy_type"] == "unclassified"


def test_exception_is_saved_and_goes_on_unchanged(store: str) -> None:
    made = backtest(CLOSES, strategy={"raise_at": 3})
    with pytest.raises(ValueError, match="at bar 3") as caught, record(made) as run:
        made.run()
    saved = only(store)
    assert saved["run_id"] == str(run.run_id)
    assert (saved["status"], saved["error_type"]) == ("failed", "ValueError")
    assert saved["error_message"] == "at bar 3"
    assert saved["end_date"] == "2024-01-04T00:00:00+00:00"
    assert "total_trades" not in saved
    shown = "".join(traceback.format_exception(caught.value))
    assert saved["error_traceback"] == shown
    assert "in on_bar" in shown
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert not [file for file in files if file.startswith(OURS)]


@pytest.mark.parametrize("kind", ["KeyboardInterrupt", "SystemExit"])
def test_interruption_is_saved_and_goes_on(store: str, kind: str) -> None:
    made = backtest(CLOSES, strategy={"raise_at": 2, "exception": kind})
    with pytest.raises((KeyboardInterrupt, SystemExit), match="at bar 2"), record(made):
        made.run()
    saved = only(store)
    assert (saved["status"], saved["error_type"]) == ("interrupted", kind)


def test_exception_before_the_run_began_is_a_failed_run(store: str) -> None:
    made = backtest(CLOSES)
    with pytest.raises(ValueError, match="start was > end"), record(made):
        made.run(start="2024-02-01", end="2024-01-01")
    saved = only(store)
    assert saved["status"] == "failed"
    assert saved["strategy_name"] == "Scripted"
    assert saved["start_date"] is None


def test_runs_between_resets_are_runs_of_their_own(store: str) -> None:
    made = backtest(CLOSES, ORDERS)
    with record(made) as run:
        for _ in range(3):
            made.run()
            made.reset()
    runs = stored(store)
    assert [saved["run_id"] for saved in runs] == [str(run_id) for run_id in run.run_ids]
    assert len(set(run.run_ids)) == 3
    assert {saved["net_profit"] for saved in runs} == {300}
    assert {saved["config_hash"] for saved in runs} == {runs[0]["config_hash"]}


def test_failed_run_after_a_reset_leaves_the_first_a_success(store: str) -> None:
    made = backtest(CLOSES, ORDERS)
    with pytest.raises(ValueError, match="at bar 1"), record(made):
        _run_twice(made)
    assert [saved["status"] for saved in stored(store)] == ["success", "failed"]


def _run_twice(made: BacktestEngine) -> None:
    made.run()
    made.reset()
    made.add_strategy(scripted(share(), raise_at=1, order_id_tag="2"))
    made.run()


def test_chunks_of_a_stream_are_one_run(store: str) -> None:
    made = engine(share())
    made.add_strategy(scripted(share(), ORDERS))
    with record(made):
        for number in range(3):
            data = bars(share(), CLOSES)[2 * number : 2 * number + 2]
            made.add_data(data)
            made.run(streaming=True)
            made.clear_data()
        made.end()
    saved = only(store)
    assert (saved["status"], saved["net_profit"], saved["total_trades"]) == ("success", 300, 2)
    assert saved["start_date"] == "2024-01-01T00:00:00+00:00"
    assert saved["end_date"] == "2024-01-06T00:00:00+00:00"
    assert saved["data_fingerprint"] == fingerprint(bars(share(), CLOSES))


def test_stream_that_was_never_ended_is_interrupted(store: str) -> None:
    made = backtest(CLOSES, ORDERS)
    with record(made):
        made.run(streaming=True)
    saved = only(store)
    assert saved["status"] == "interrupted"
    assert "engine.end()" in saved["error_message"]


def test_engine_disposed_inside_the_block_is_saved_all_the_same(store: str) -> None:
    made = backtest(CLOSES, ORDERS)
    with record(made):
        made.run()
        made.dispose()
    saved = only(store)
    assert (saved["status"], saved["net_profit"], saved["total_trades"]) == ("success", 300, 2)


def test_nothing_is_saved_of_an_engine_that_did_not_run(store: str) -> None:
    with record(backtest(CLOSES)) as run:
        pass
    assert run.run_id is None
    assert run.run_ids == []
    assert stored(store) == []


def test_what_is_neither_engine_nor_node_costs_a_warning(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with record("engine") as run:
        pass
    assert run.run_id is None
    assert stored(store) == []
    assert capsys.readouterr().err.splitlines() == [
        "btstore: warning: cannot record a str: not an engine nor a node"
    ]


def test_recording_within_a_recording_saves_the_run_once(store: str) -> None:
    made = backtest(CLOSES, ORDERS)
    with record(made, tags=["outer"]), record(made, tags=["inner"]):
        made.run()
    assert only(store)["tags"] == ["outer"]


def test_engine_can_be_recorded_again(store: str) -> None:
    made = backtest(CLOSES, ORDERS)
    for _ in range(2):
        with record(made):
            made.run()
        made.reset()
    assert [saved["net_profit"] for saved in stored(store)] == [300, 300]
    assert {saved["equity_basis"] for saved in stored(store)} == {"mark_to_market"}


def test_save_run_saves_a_run_that_nobody_watched(store: str) -> None:
    made = backtest(CLOSES, ORDERS)
    made.run()
    run_id = save_run(made, tags=["after"])
    saved = only(store)
    assert saved["run_id"] == str(run_id)
    assert (saved["equity_basis"], saved["net_profit"]) == ("balance", 300)
    assert (saved["total_trades"], saved["tags"]) == (2, ["after"])
    assert saved["returns_count"] == 6
    assert "not watched by `record`" in saved["warnings"][0]


def test_saving_a_run_again_changes_nothing(store: str) -> None:
    made = backtest(CLOSES, ORDERS)
    with record(made) as run:
        made.run()
    assert save_run(made) == run.run_id
    assert save_run(made) == run.run_id
    assert only(store)["equity_basis"] == "mark_to_market"


def test_save_run_of_an_engine_that_has_not_run_says_so(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert save_run(backtest(CLOSES)) is None
    assert stored(store) == []
    assert "has not run" in capsys.readouterr().err


async def test_hook_works_inside_a_running_event_loop(store: str) -> None:
    made, later = backtest(CLOSES, ORDERS), backtest(CLOSES, ORDERS)
    with record(made) as run:
        made.run()
    later.run()
    run_id = await save_run_async(later, note="async")
    saved = await asyncio.to_thread(stored, store)
    assert [row["run_id"] for row in saved] == [str(run.run_id), str(run_id)]
    assert saved[1]["note"] == "async"


def test_engines_in_threads_are_recorded_apart(store: str) -> None:
    def run(profit: int) -> UUID | None:
        made = backtest([100, 100 + profit], {0: 1})
        with record(made, tags=[str(profit)]) as recording:
            made.run()
        return recording.run_id

    with ThreadPoolExecutor(3) as threads:
        run_ids = list(threads.map(run, range(6)))
    saved = {s["run_id"]: s for s in stored(store)}
    assert [saved[str(run_id)]["net_profit"] for run_id in run_ids] == list(range(6))
    assert [saved[str(run_id)]["tags"] for run_id in run_ids] == [[str(n)] for n in range(6)]


def test_caller_knows_better(store: str) -> None:
    made = backtest(CLOSES, ORDERS)
    snapshot = {"strategy_path": "m:C", "config": {"fast_period": 10}}
    with record(
        made,
        strategy_type="momentum",
        data_source="prices.csv",
        data_fingerprint="f" * 64,
        parameters={"fast_period": 10},
        config_snapshot=snapshot,
        config_hash="0" * 64,
        command_line="btstore run x.toml",
    ):
        made.run()
    saved = only(store)
    assert saved["strategy_type"] == "momentum"
    assert saved["data_source"] == "prices.csv"
    assert saved["data_fingerprint"] == "f" * 64
    assert saved["parameters"] == {"fast_period": 10}
    assert saved["config_snapshot"] == snapshot
    assert saved["config_hash"] == "0" * 64
    assert saved["provenance"]["command_line"] == "btstore run x.toml"


def test_stored_run_is_the_record_that_was_handed_out(store: str) -> None:
    made = backtest(CLOSES, ORDERS)
    with record(made) as run:
        made.run()
    saved, captured = only(store), run.records[0]
    assert isinstance(captured, Record)
    for name in METRIC_FIELDS:
        value = getattr(captured, name)
        value = "Infinity" if value == inf else value  # which JSON does not have
        assert saved[name] == (
            None if value is None else json.loads(json.dumps(value, default=_json))
        )


def _json(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else float(value)


def test_public_api_is_small_and_its_import_cheap() -> None:
    assert backtest_store.__all__ == ["Store", "record", "save_run", "save_run_async"]
    assert set(backtest_store.__all__) <= set(dir(backtest_store))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = backtest_store.nonsense
