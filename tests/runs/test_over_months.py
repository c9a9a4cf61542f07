"""What runs did over some of their months, recomputed from daily returns that nothing summed up."""

import asyncio
import csv
import io
import json
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from uuid import uuid4

import asyncpg
import numpy as np
import pytest

from backtest_store.models import METRIC_FIELDS, Record
from backtest_store.statistics.months import periods_of
from tests.factories import make_record, store_at
from tests.number_of_tries import tries
from tests.shell import btstore

FIRST, LAST = (2008, 1), (2009, 3)


def made(seed: int, start: date, days: int) -> tuple[Record, list[tuple[date, float]]]:
    """Make a run of random daily returns, with a hole of two months."""
    rng = random.Random(seed)
    dates = [start + timedelta(n) for n in range(days)]
    dates = [
        d for d in dates if d.weekday() < 5 and (d.year, d.month) not in {(2008, 5), (2008, 6)}
    ]
    levels = [*accumulate((1 + rng.gauss(0.0003, 0.01) for _ in dates), lambda a, b: a * b)]
    curve = [(day, Decimal(repr(level))) for day, level in zip(dates, levels, strict=True)]
    periods = periods_of(Decimal(1), curve)
    assert periods is not None
    run = make_record(
        **vars(periods),
        periods_per_year=252.0,
        started_at=datetime(2026, 1, 1, seed, tzinfo=UTC),
    )
    steps = zip(dates, [1.0, *levels[:-1]], levels, strict=True)
    return run, [(day, after / before - 1) for day, before, after in steps]


def wanted(daily: list[tuple[date, float]], *, by_month: bool) -> list[float]:
    """Compute return, Sharpe ratio and drawdown over the months from the daily returns."""
    inside = [(d, r) for d, r in daily if FIRST <= (d.year, d.month) <= LAST]
    levels = np.cumprod([1 + r for _, r in inside])
    returns = np.array([r for _, r in inside])
    ends = [
        n
        for n, (day, _) in enumerate(inside)
        if not by_month or n + 1 == len(inside) or inside[n + 1][0].month != day.month
    ]
    seen = np.array([1.0, *levels[ends]])
    fall = (seen / np.maximum.accumulate(seen) - 1).min()
    return [levels[-1] - 1, returns.mean() / returns.std(ddof=1) * 252**0.5, fall]


def test_reproductions_are_left_out(store_url: str) -> None:
    run, _ = made(1, date(2008, 1, 1), 400)
    store_at(store_url, run, replace(run, run_id=uuid4(), reproduced_from=run.run_id))
    listed = json.loads(btstore("history", "--while", "2008-02", "--format", "json").out)
    assert [each["run_id"] for each in listed] == [str(run.run_id)]


NAMES = ["total_return", "sharpe_ratio", "max_drawdown"]


def test_months_give_what_the_days_of_that_time_give(store_url: str) -> None:
    runs = [made(n, date(2006, 1, 1), 1500) for n in range(4)]
    late, _ = made(9, date(2008, 3, 1), 1500)
    store_at(store_url, *(run for run, _ in runs), late)
    expected = {str(run.run_id): wanted(daily, by_month=True) for run, daily in runs}
    for place, name in enumerate(NAMES):
        words = ("history", "--while", "2008-01..2009-03", "--sort", name, "--format", "json")
        found = json.loads(btstore(*words).out)
        assert {run["run_id"] for run in found} == {*expected}
        for run in found:
            assert [run[n] for n in NAMES] == pytest.approx(
                expected[run["run_id"]], rel=1e-6, abs=1e-6
            )
        values = [run[name] for run in found]
        assert values == sorted(values, reverse=True)
        assert values == pytest.approx(
            sorted((e[place] for e in expected.values()), reverse=True), rel=1e-5
        )
    newest = json.loads(btstore("history", "--while", "2008-01..2009-03", "--format", "json").out)
    assert [run["run_id"] for run in newest] == [str(run.run_id) for run, _ in reversed(runs)]


def test_a_short_run_has_its_days(store_url: str) -> None:
    run, daily = made(1, date(2008, 1, 1), 300)
    assert run.period == "day"
    store_at(store_url, run)
    answer = btstore("history", "--while", "2008-02..2008-03", "--format", "json")
    (found,) = json.loads(answer.out)
    inside = [r for d, r in daily if d.month in {2, 3} and d.year == 2008]
    assert found["total_return"] == pytest.approx(np.prod([1 + r for r in inside]) - 1, rel=1e-5)
    mean, deviation = np.mean(inside), np.std(inside, ddof=1)
    assert found["sharpe_ratio"] == pytest.approx(mean / deviation * 252**0.5, rel=1e-5)


@pytest.mark.parametrize(
    "words",
    [
        ["--while", "2009-01..2008-01"],
        ["--while", "soon"],
        ["--while", "0001-01..0001-02"],
        ["--while", "9999-11..9999-12"],
        ["--while", "2008-01..2008-02", "--columns", "run_id,total_trades"],
        ["--while", "2008-01..2008-02", "--all"],
        ["--while", "2008-01..2008-02", "--sort", "win_rate"],
    ],
)
def test_what_cannot_be_is_refused(store_url: str, words: list[str]) -> None:
    answer = btstore("history", *words)
    assert (answer.code, answer.out) == (2, "")


def test_only_runs_that_cover_it_are_listed(store_url: str) -> None:
    run, _ = made(1, date(2006, 1, 1), 1500)
    store_at(store_url, run)
    answer = btstore("history", "--while", "2001-01..2001-02")
    assert (answer.code, answer.out) == (0, "")
    assert "2001-01 to 2001-02" in answer.err
    assert "no run matches" in answer.err


def test_no_figure_of_the_whole_run_stands_beside_those_of_the_months(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = made(1, date(2006, 1, 1), 1500)
    store_at(store_url, run)
    monkeypatch.setenv("COLUMNS", "250")
    whole = btstore("history", "--format", "markdown").out
    table = btstore("history", "--while", "2008-01..2009-03", "--format", "markdown").out
    for name in ("cagr", "sortino", "trades", "equity", "net profit"):
        assert name in whole.lower(), name
        assert name not in table.lower(), name
    assert {"return", "sharpe", "drawdown"} <= {part.strip() for part in table.split("|")}


def test_records_say_of_which_months_their_figures_are(store_url: str) -> None:
    run, daily = made(1, date(2006, 1, 1), 1500)
    store_at(store_url, run)
    words = ("history", "--while", "2008-01..2009-03", "--format")
    (found,) = json.loads(btstore(*words, "json").out)
    assert found["months"] == "2008-01..2009-03"
    assert {name for name in METRIC_FIELDS if name in found} == {*NAMES}
    assert found["total_return"] == pytest.approx(wanted(daily, by_month=True)[0], rel=1e-5)
    (row,) = csv.DictReader(io.StringIO(btstore(*words, "csv").out))
    assert [*row] == [*found]
    assert row["months"] == found["months"]
    asked = btstore(*words, "csv", "--columns", "months,total_return").out.splitlines()
    assert asked == ["months,total_return", f"2008-01..2009-03,{found['total_return']}"]


def test_months_are_counted_from_any_to_any(store_url: str) -> None:
    async def counted() -> list[asyncpg.Record]:
        db = await asyncpg.connect(store_url)
        try:
            return await db.fetch(
                "SELECT first, other, periods_between('month', first, other) AS months"
                "  FROM unnest($1::date[]) AS first, unnest($2::date[]) AS other",
                [date(year, month, 1) for year in (2, 1900, 1999, 2000) for month in range(1, 13)],
                [
                    date(year, month, 1)
                    for year in range(2, 2101, tries(41, 3))
                    for month in range(1, 13)
                ],
            )
        finally:
            await db.close()

    for first, other, months in asyncio.run(counted()):
        assert months == 12 * (other.year - first.year) + other.month - first.month
