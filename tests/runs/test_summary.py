"""Groups of runs, against a plain Python oracle; `strategies` and `trend` are two of them."""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from backtest_store.models import Record
from backtest_store.runs import summary
from tests.factories import STARTED, make_record, store_at
from tests.shell import btstore

CHANCE = random.Random(20_261_129)


def some_run() -> Record:
    pick = CHANCE.choice
    run = make_record(
        run_id=UUID(int=CHANCE.getrandbits(128)),
        status=pick(("success", "success", "failed", "interrupted", "stopped")),
        started_at=STARTED + timedelta(hours=pick(range(2000))),
        strategy_name=pick(("SMA", "RSI")),
        instrument_ids=pick((["A.X"], ["A.X", "B.X"])),
        parameters=pick(({"fast": 5}, {"fast": 10}, {"fast": "10"}, {}, {"exit": {"atr": 2}})),
        tags=pick(([], ["demo"])),
        provenance=pick(({"user": "ann"}, {"user": "bob"})),
    )
    if run.status in {"failed", "interrupted"}:
        return run
    return replace(
        run,
        sharpe_ratio=pick((None, -1.0, 0.5, 2.0, 3.0)),
        total_return=pick((None, -0.5, 0.1, 0.2)),
        volatility=pick((None, 0.1)),
        calmar_ratio=pick((None, 0.5, float("inf"))),
    )


@pytest.fixture(scope="module")
def made() -> list[Record]:
    return [some_run() for _ in range(300)]


KEYS: dict[str, Callable[[Record], Any]] = {
    "strategy": lambda run: run.strategy_name,
    "instrument": lambda run: tuple(run.instrument_ids),
    "status": lambda run: run.status,
    "fast": lambda run: repr(run.parameters.get("fast")),
    "parameters.exit.atr": lambda run: repr(run.parameters.get("exit", {}).get("atr")),
    "provenance.user": lambda run: run.provenance["user"],
    "tags": lambda run: tuple(run.tags),
    "day": lambda run: run.started_at.date(),
    "week": lambda run: run.started_at.date() - timedelta(days=run.started_at.weekday()),
    "month": lambda run: run.started_at.date().replace(day=1),
}


def figures(runs: list[Record], metric: str) -> tuple[Any, Any, Any]:
    known = [getattr(run, metric) for run in runs if run.status == "success"]
    known = [value for value in known if value is not None]
    return (max(known), median(known), min(known)) if known else (None, None, None)


def hashable(name: str, key: Any) -> Any:
    if name in {"fast", "parameters.exit.atr"}:
        return repr(key)
    return tuple(key) if isinstance(key, list) else key


async def asked(url: str, by: list[str], metric: str) -> list[summary.Group]:
    db = await asyncpg.connect(url, statement_cache_size=0)
    try:
        return await summary.summary(db, by, metric)
    finally:
        db.terminate()


def test_groups_agree_with_plain_python(store_url: str, made: list[Record]) -> None:
    store_at(store_url, *made)
    for by in ([name] for name in KEYS):
        check(store_url, made, by, "sharpe_ratio")
    for metric in ("total_return", "calmar_ratio"):
        check(store_url, made, ["strategy", "fast", "month"], metric)


def check(url: str, made: list[Record], by: list[str], metric: str) -> None:
    expected: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for run in made:
        expected[tuple(KEYS[name](run) for name in by)].append(run)
    groups = asyncio.run(asked(url, by, metric))
    found = {
        tuple(hashable(name, key) for name, key in zip(by, group.keys, strict=True)): group
        for group in groups
    }
    assert found.keys() == expected.keys()
    for key, runs in expected.items():
        group = found[key]
        assert group.runs == len(runs)
        assert group.failures == sum(run.status == "failed" for run in runs)
        found_figures = (group.best, group.median, group.worst)
        assert found_figures == pytest.approx(figures(runs, metric))
        assert group.last_run == max(run.started_at for run in runs)
    medians = [group.median for group in groups if group.median is not None]
    assert medians == sorted(medians, reverse=True)


def test_strategies_and_trend_are_two_of_the_groups(store_url: str, made: list[Record]) -> None:
    store_at(store_url, *made)
    listed = json.loads(btstore("strategies", "--format", "json").out)
    assert {row["strategy_name"] for row in listed} == {"SMA", "RSI"}
    assert len({(row["strategy_name"], *row["instrument_ids"]) for row in listed}) == len(listed)
    for row in listed:
        runs = [
            run
            for run in made
            if (run.strategy_name, run.instrument_ids)
            == (row["strategy_name"], row["instrument_ids"])
        ]
        best, middle, _ = figures(runs, "sharpe_ratio")
        assert row["runs"] == len(runs)
        assert (row["best_sharpe_ratio"], row["median_sharpe_ratio"]) == (best, middle)
    assert [row["last_run"] for row in listed] == sorted(
        (row["last_run"] for row in listed), reverse=True
    )
    shown = json.loads(btstore("trend", "SMA", "--by", "week", "--format", "json").out)
    assert [row["period"] for row in shown] == sorted(row["period"] for row in shown)
    for row in shown:
        runs = [
            run
            for run in made
            if run.strategy_name == "SMA" and KEYS["week"](run) == date.fromisoformat(row["period"])
        ]
        assert row["runs"] == len(runs)
        assert row["worst_total_return"] == figures(runs, "total_return")[2]


def test_reproductions_are_counted_apart(store_url: str) -> None:
    original = make_record(instrument_ids=["A.X"], sharpe_ratio=1.0)
    again = make_record(
        instrument_ids=["A.X"], sharpe_ratio=9.0, reproduced_from=original.run_id, tags=[]
    )
    other = make_record(instrument_ids=["B.X"], sharpe_ratio=2.0)
    store_at(store_url, original, again, other)
    found = json.loads(btstore("strategies", "--format", "json").out)
    assert {
        (*row["instrument_ids"], row["runs"], row["reproductions"], row["best_sharpe_ratio"])
        for row in found
    } == {("A.X", 1, 1, 1.0), ("B.X", 1, 0, 2.0)}


def test_the_shell_names_what_it_groups_by(store_url: str) -> None:
    store_at(
        store_url,
        make_record(parameters={"fast_period": 5}, sharpe_ratio=1.0),
        make_record(parameters={"fast_period": 10}, sharpe_ratio=2.0),
        make_record(parameters={"fast_period": 10}, status="failed", started_at=datetime.now(UTC)),
    )
    answer = btstore("summary", "--by", "strategy,fast_period", "--format", "csv")
    header, best, other = answer.out.splitlines()
    assert header == (
        "strategy_name,parameters.fast_period,runs,failures,best_sharpe_ratio,"
        "median_sharpe_ratio,worst_sharpe_ratio,last_run"
    )
    assert best.startswith("SMA Crossover,10,2,1,2.0,2.0,2.0,")
    assert other.startswith("SMA Crossover,5,1,0,1.0,1.0,1.0,")
    table = btstore("summary", "--by", "fast_period", "--metric", "max_drawdown").out
    assert "-15.00%" in table
    assert "2" in btstore("summary", "--by", "status", "--where", "fast_period == 10").out


def test_groups_fit_a_narrow_terminal_by_what_is_needed_least(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_at(store_url, make_record(strategy_name="A long name"))
    words = ("summary", "--by", "strategy,instrument,status,currency,type,fast_period")
    monkeypatch.setenv("COLUMNS", "80")
    narrow = btstore(*words).out
    assert max(map(len, narrow.splitlines())) <= 80
    assert "median" in narrow
    assert "last run" not in narrow
    monkeypatch.setenv("COLUMNS", "120")
    assert "last run" in btstore(*words).out


def test_a_parameter_that_is_null_is_one_that_a_run_does_not_have(store_url: str) -> None:
    store_at(store_url, *(make_record(parameters=each) for each in ({}, {"stop": None})))
    (row,) = json.loads(btstore("summary", "--by", "stop", "--format", "json").out)
    assert (row["parameters.stop"], row["runs"]) == (None, 2)


@pytest.mark.parametrize("by", ["strateg", "", "parameters", "a,,b", "parameters.", "config"])
def test_what_is_nothing_to_group_by_is_refused(store_url: str, by: str) -> None:
    answer = btstore("summary", "--by", by)
    assert (answer.code, bool(answer.err)) == (2, True) or "no runs yet" in answer.err
    assert "warning" not in answer.err
