"""Overfitting, walking forward and correlated trials, from months in the store to the shell."""

import itertools
import json
import re
from dataclasses import replace
from datetime import date
from math import sqrt
from pathlib import Path
from statistics import correlation, fmean, linear_regression, median, stdev

import asyncpg
import pytest

from backtest_store.errors import UsageError
from backtest_store.runs.listing import Listing
from backtest_store.runs.luck import best as judging
from backtest_store.runs.luck.overfit import overfit
from backtest_store.runs.luck.shared_months import SharedMonths, shared_months
from backtest_store.runs.luck.walkforward import months_in, walkforward
from backtest_store.statistics.luck import effective_trials
from tests.factories import make_record, store, store_at
from tests.runs.known_returns import NO_MONTHS, YEAR, Days, compounded, drawn, run_of
from tests.shell import btstore


async def shared(db: asyncpg.Connection) -> SharedMonths:
    found = await shared_months(db, ())
    assert found is not None
    return found


def sharpe(days: Days) -> float:
    flat = [r for month in days for r in month]
    return fmean(flat) / stdev(flat)


async def test_runs_share_the_months_that_most_of_them_have(db: asyncpg.Connection) -> None:
    most = [drawn(n, 24) for n in range(3)]
    most[1][5] = []  # a month without market data
    await store(db, [run_of(days, n) for n, days in enumerate(most)])
    longer = run_of(drawn(7, 36), 7, date(2009, 6, 1))
    await store(
        db,
        [
            longer,
            run_of(drawn(8, 12), 8),
            run_of(most[0], 0),  # the first configuration again
            make_record(config_hash="f" * 64, **NO_MONTHS),
            run_of(drawn(9, 24), 9, reproduced_from=longer.run_id),
        ],
    )
    found = await shared(db)
    assert sorted(run.parameters["number"] for run in found.runs) == [0, 1, 2, 7]
    assert (found.firsts[0], found.firsts[-1], len(found.firsts)) == (
        date(2010, 1, 1),
        date(2011, 12, 1),
        23,
    )
    assert date(2010, 6, 1) not in found.firsts
    assert found.notes == [
        "left out: 1 run without months: stored by an older version, or their capital was lost",
        "left out: 1 run not from 2010-01 to 2011-12",
        "left out: 1 month without market data",
    ]


async def test_one_run_or_none_is_not_enough(db: asyncpg.Connection) -> None:
    assert await shared_months(db, ()) is None
    await store(db, [run_of(drawn(1, 24), 1), make_record(**NO_MONTHS)])
    with pytest.raises(UsageError, match="needs 2 runs of different configurations"):
        await shared_months(db, ())


async def test_overfitting_is_what_a_look_at_every_day_finds(db: asyncpg.Connection) -> None:
    every = [drawn(n, 16) for n in range(6)]
    await store(db, [run_of(days, n) for n, days in enumerate(every)])
    found = overfit(await shared(db))
    assert (found.runs, found.months, found.blocks) == (6, 16, 8)
    worse = ways = 0
    points: list[tuple[float, float]] = []
    for half in itertools.combinations(range(8), 4):
        chosen = [m for b in half for m in (2 * b, 2 * b + 1)]
        rest = [m for m in range(16) if m not in chosen]
        inside = [sharpe([days[m] for m in chosen]) for days in every]
        outside = [sharpe([days[m] for m in rest]) for days in every]
        reached = outside[inside.index(max(inside))]
        points.append((max(inside) * sqrt(YEAR), reached * sqrt(YEAR)))
        worse += (1 + sum(o < reached for o in outside)) / 7 <= 0.5
        ways += 1
    assert found.ways == ways
    assert found.probability_of_overfitting == pytest.approx(worse / ways)
    line = linear_regression(*zip(*points, strict=True))
    assert found.slope == pytest.approx(line.slope)
    assert found.intercept == pytest.approx(line.intercept)


async def test_a_planted_skill_is_not_overfitted(db: asyncpg.Connection) -> None:
    every = [drawn(n, 60, mean=0.002 if n == 3 else 0.0) for n in range(10)]
    await store(db, [run_of(days, n) for n, days in enumerate(every)])
    assert overfit(await shared(db)).probability_of_overfitting < 0.02


async def test_walking_forward_holds_what_was_best_before(db: asyncpg.Connection) -> None:
    every = [drawn(n, 30) for n in range(5)]
    await store(db, [run_of(days, n) for n, days in enumerate(every)])
    walk = walkforward(await shared(db), "sharpe_ratio", train=12, test=6)
    assert [window.test_start for window in walk.windows] == [
        date(2011, 1, 1),
        date(2011, 7, 1),
        date(2012, 1, 1),
    ]
    held = []
    for n, window in enumerate(walk.windows):
        first, middle, last = 6 * n, 6 * n + 12, 6 * n + 18
        scores = [sharpe(days[first:middle]) for days in every]
        best = scores.index(max(scores))
        assert window.parameters == {"number": best}
        assert window.in_sample == pytest.approx(max(scores) * sqrt(YEAR), rel=1e-5)
        tested = sharpe(every[best][middle:last]) * sqrt(YEAR)
        assert window.out_of_sample == pytest.approx(tested, rel=1e-5)
        months = [compounded(month) for month in every[best][middle:last]]
        assert window.total_return == pytest.approx(compounded(months), abs=1e-6)
        usual = [median(compounded(days[m]) for days in every) for m in range(middle, last)]
        assert window.median_return == pytest.approx(compounded(usual), abs=1e-6)
        held += months
    assert walk.walked.returns == pytest.approx(held, abs=1e-6)
    hindsight = max(compounded([compounded(m) for m in days[12:]]) for days in every)
    assert compounded(walk.walked.hindsight) == pytest.approx(hindsight, abs=1e-6)


async def test_each_run_is_annualised_by_its_own_year(db: asyncpg.Connection) -> None:
    every, years = [drawn(n, 26) for n in range(4)], [365.0, 260.0, 252.0, 100.0]
    await store(
        db,
        [
            run_of(d, n, periods_per_year=y)
            for n, (d, y) in enumerate(zip(every, years, strict=True))
        ],
    )
    found = await shared(db)
    walk = walkforward(found, "sharpe_ratio", train=12, test=10)
    scores = [sharpe(d[:12]) * sqrt(y) for d, y in zip(every, years, strict=True)]
    first, last = walk.windows
    assert first.parameters == {"number": scores.index(max(scores))}
    assert first.in_sample == pytest.approx(max(scores), rel=1e-5)
    assert [(w.train_start, w.test_start, w.test_end) for w in (first, last)] == [
        (date(2010, 1, 1), date(2011, 1, 1), date(2011, 10, 1)),
        (date(2010, 11, 1), date(2011, 11, 1), date(2012, 2, 1)),
    ]
    whole = compounded(walk.walked.returns)
    yearly = (1 + whole) ** (12 / 14) - 1
    assert next(walk.notes()).endswith(f": {whole:.1%} in all, {yearly:.1%} a year")
    same = [replace(run, periods_per_year=1.0) for run in found.runs]
    daily = overfit(replace(found, runs=same))
    assert overfit(found).intercept == pytest.approx(daily.intercept * sqrt((260 + 252) / 2))


async def test_of_two_spans_as_common_the_longer_is_shared(db: asyncpg.Connection) -> None:
    await store(db, [run_of(drawn(n, 24), n) for n in range(2)])
    await store(db, [run_of(drawn(n, 14), n, date(2010, 6, 1)) for n in (2, 3)])
    assert len((await shared(db)).firsts) == 24


@pytest.mark.parametrize(("text", "months"), [("3y", 36), ("18m", 18), (" 1Y ", 12)])
def test_a_length_is_in_months_or_years(text: str, months: int) -> None:
    assert months_in(text) == months


@pytest.mark.parametrize("text", ["", "3", "0y", "y", "-1y", "3w", "1.5y", "9999y"])
def test_other_lengths_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no length of time"):
        months_in(text)


async def test_trials_that_are_alike_count_as_fewer(db: asyncpg.Connection) -> None:
    common = drawn(99, 60)
    every = [drawn(n, 60, common=common) for n in range(20)]
    await store(db, [run_of(days, n) for n, days in enumerate(every)])
    await store(db, [run_of(drawn(50, 60), 50, strategy_name="Another")])
    (found, *_) = await judging.best(db, Listing((), "sharpe_ratio"), 1)
    monthly = [[compounded(month) for month in days] for days in every]
    mean = fmean(correlation(a, b) for a, b in itertools.combinations(monthly, 2))
    assert found.trials == 20
    assert found.effective_trials == pytest.approx(effective_trials(20, mean), rel=1e-5)
    assert (found.effective_trials or 20) < 15
    assert "alike enough to count as" in judging.describe_verdict(found)
    assert not judging.count_as_independent([found])


async def test_only_months_of_one_time_are_correlated(db: asyncpg.Connection) -> None:
    months = drawn(1, 24)
    elsewhen = [run_of(months, n, date(2000 + n, 1, 1)) for n in range(5)]
    runs = [run_of(drawn(n, 24), n, date(2020, 1, 1)) for n in (5, 6)]
    await store(db, [*elsewhen, *runs])
    (found,) = await judging.best(db, Listing((), "sharpe_ratio"), 1, scope="store")
    monthly = [[compounded(month) for month in drawn(n, 24)] for n in (5, 6)]
    assert found.effective_trials == pytest.approx(effective_trials(7, correlation(*monthly)))


async def test_trials_without_months_count_as_independent(db: asyncpg.Connection) -> None:
    await store(db, [make_record(config_hash=f"{n:064x}", **NO_MONTHS) for n in range(3)])
    found = await judging.best(db, Listing((), "sharpe_ratio"), 1)
    assert found[0].effective_trials == 3
    assert judging.count_as_independent(found)


def test_the_commands_of_the_page_work(store_url: str) -> None:
    page = Path(__file__).parents[2].joinpath("docs/luck-in-a-grid.md").read_text("utf-8")
    typed = [line[10:].split() for line in page.splitlines() if line.startswith("$ btstore ")][1:]
    runs = [run_of(drawn(n, 240), n, parameters={"slow_period": n % 5}) for n in range(9)]
    store_at(store_url, *runs)
    assert [words[0] for words in typed] == ["best", "overfit", "walkforward", "pivot"]
    for words in typed:
        answer = btstore(*words)
        assert (answer.code, bool(answer.out), "error" in answer.err) == (0, True, False), words


def test_windows_fit_a_narrow_terminal_with_the_inputs_that_vary(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = [{"fast_period": n, "slow_period": 160 - n, "same": 1} for n in range(6)]
    store_at(store_url, *(run_of(drawn(n, 48), n, parameters=i) for n, i in enumerate(inputs)))
    monkeypatch.setenv("COLUMNS", "80")
    heads = btstore("walkforward", "--train", "12m").out.splitlines()
    assert max(map(len, heads)) <= 80
    assert re.search(r"run +fast_ +slow_ ", heads[0])
    marked = btstore("walkforward", "--train", "12m", "--format", "markdown").out.splitlines()
    assert re.search(r"\| fast_period +\| slow_period +\|", marked[0])
    wide = btstore("pivot", "fast_period", "slow_period").out.splitlines()
    assert [line.split()[0] for line in wide[:2]] == ["fast_period", "slow_period"]
    marked = btstore("pivot", "fast_period", "slow_period", "--format", "markdown").out.splitlines()
    assert "---" in marked[1]


def test_the_shell_tells_of_overfitting_and_walks_forward(store_url: str) -> None:
    store_at(store_url, *(run_of(drawn(n, 48), n) for n in range(6)))
    answer = btstore("overfit", "--format", "json")
    assert json.loads(answer.out)["runs"] == 6
    told = btstore("overfit")
    assert (told.code, "no better than the median" in told.err) == (0, True)
    windows = json.loads(btstore("walkforward", "--train", "24m", "--format", "json").out)
    assert [window["test_start"] for window in windows] == ["2012-01-01", "2013-01-01"]
    told = btstore("walkforward", "--by", "total_return")
    assert (told.code, "over 12 months out of sample" in told.err) == (0, True)
    short = btstore("walkforward", "--train", "9y")
    assert (short.code, short.out) == (2, "")
    assert "needs more than 108 months" in short.err
    assert btstore("overfit", "--strategy", "Nobody").err.endswith("no run matches\n")
