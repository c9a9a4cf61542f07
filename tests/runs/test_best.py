"""The best runs against trials counted by hand and formulas of another implementation."""

import json
from datetime import UTC, datetime, timedelta
from math import ceil, e, sqrt
from random import Random
from statistics import NormalDist, fmean, stdev
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from backtest_store.models import Record
from backtest_store.runs.compare import compare
from backtest_store.runs.filters import filters
from backtest_store.runs.listing import Listing
from backtest_store.runs.luck import best as judging
from backtest_store.store import queries, sql
from tests.factories import make_record, store, store_at
from tests.runs.known_returns import NO_MONTHS
from tests.shell import btstore

NORMAL = NormalDist()
GAMMA = 0.5772156649015329


def trial(sharpe_ratio: float | None, number: int, **changes: Any) -> Record:
    """Make a run of a configuration of its own, with returns that are normal."""
    normal: dict[str, Any] = {
        "sharpe_ratio": sharpe_ratio,
        "config_hash": f"{number:064x}",
        "returns_skewness": 0.0,
        "returns_kurtosis": 3.0,
        "returns_count": 1260,
        "periods_per_year": 252.0,
    }
    return make_record(**NO_MONTHS | normal | changes)


async def best(db: asyncpg.Connection, *, limit: int = 1, **asked: Any) -> list[judging.JudgedRun]:
    typed = {name: asked.pop(name) for name in [*asked] if name in ("strategy", "parameters")}
    listing = Listing(filters(**typed).conditions, asked.pop("by", "sharpe_ratio"))
    return await judging.best(db, listing, limit, **asked)


async def test_the_best_is_judged_by_all_its_trials(db: asyncpg.Connection) -> None:
    ratios = [0.1 * number - 1.0 for number in range(40)]
    await store(db, [trial(ratio, number) for number, ratio in enumerate(ratios)])
    (found,) = await best(db)
    daily = [ratio / sqrt(252) for ratio in ratios]
    top, spread = max(daily), stdev(daily)
    quantiles = NORMAL.inv_cdf(1 - 1 / 40), NORMAL.inv_cdf(1 - 1 / (40 * e))
    luck = spread * ((1 - GAMMA) * quantiles[0] + GAMMA * quantiles[1])
    error = sqrt((1 + top**2 / 2) / 1259)
    assert (found.trials, found.effective_trials, found.sharpe_ratio) == (40, 40.0, max(ratios))
    assert found.sharpe_ratio_from_luck == pytest.approx(luck * sqrt(252), rel=1e-9)
    assert found.probabilistic_sharpe_ratio == pytest.approx(NORMAL.cdf(top / error), rel=1e-9)
    assert found.deflated_sharpe_ratio == pytest.approx(NORMAL.cdf((top - luck) / error), rel=1e-9)
    assert found.chance_of_luck == pytest.approx(1 - NORMAL.cdf(top / error) ** 40, rel=1e-6)
    needed = (1 + top**2 / 2) * (NORMAL.inv_cdf(0.95) / top) ** 2
    assert found.minimum_track_record == pytest.approx((needed + 1) / 252, abs=1 / 252)
    assert found.verdict == "real"
    assert judging.describe_verdict(found).startswith(
        "more than luck: without skill the best of 40 trials"
    )


async def test_a_track_record_is_in_years_of_the_run_itself(db: asyncpg.Connection) -> None:
    await store(db, [trial(1.0, 1, periods_per_year=365.0), trial(9.0, 2, status="stopped")])
    (found,) = await best(db, limit=9)
    daily = 1 / sqrt(365)
    needed = 1 + (1 + daily**2 / 2) * (NORMAL.inv_cdf(0.95) / daily) ** 2
    assert found.minimum_track_record == pytest.approx(needed / 365, abs=1 / 365)
    assert found.trials == 1


async def test_the_best_are_found_behind_many_repetitions(
    db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "PAGE", 2)
    await store(db, [*(trial(1.0, 1) for _ in range(5)), trial(0.5, 2), trial(0.2, 3)])
    assert [run.sharpe_ratio for run in await best(db, limit=9)] == [1.0, 0.5, 0.2]


async def test_by_the_variance_at_the_null_luck_is_measured_at_zero(db: asyncpg.Connection) -> None:
    await store(
        db, [trial(0.1 * n, n, returns_skewness=-1.0, returns_kurtosis=9.0) for n in range(9)]
    )
    (found,) = await best(db, variance="null")
    daily, count, rho = 0.8 / sqrt(252), 1260, 0.05
    error = sqrt((1 + rho) / (1 - rho) / count)
    assert found.chance_of_luck == pytest.approx(1 - NORMAL.cdf(daily / error) ** 9)
    needed = (error * NORMAL.inv_cdf(0.95) / daily) ** 2 * count
    assert found.minimum_track_record == pytest.approx(ceil(needed) / 252)


async def test_conditions_choose_what_is_shown_and_never_how_many_were_tried(
    db: asyncpg.Connection,
) -> None:
    runs = [trial(0.1 * n, n, parameters={"fast_period": n}) for n in range(10)]
    await store(db, runs)
    (found,) = await best(db, parameters=["fast_period<=3"])
    assert (found.parameters, found.trials) == ({"fast_period": 3}, 10)


async def test_repetitions_reproductions_failures_and_deleted_runs(
    db: asyncpg.Connection,
) -> None:
    original = trial(0.5, 1)
    await store(
        db,
        [
            original,
            trial(0.5, 1),  # the same configuration again
            trial(0.9, 2, reproduced_from=original.run_id),
            make_record(status="failed"),
            trial(-0.2, 4, code_hash="a" * 64),
            trial(-0.3, 4, code_hash="b" * 64),  # the same, by other code
            trial(None, 5),  # it never traded, and was a trial all the same
            trial(0.4, 0, config_hash=None),
            trial(0.2, 0, config_hash=None),  # who knows whether that was another one
        ],
    )
    (found,) = await best(db)
    assert (found.sharpe_ratio, found.trials) == (0.5, 6)
    assert [run.sharpe_ratio for run in await best(db, limit=9)] == [0.5, 0.4, 0.2, -0.2, -0.3]


async def test_a_deleted_run_stays_a_trial(db: asyncpg.Connection) -> None:
    runs = [trial(0.1 * n, n) for n in range(10)]
    failed = make_record(status="failed")
    await store(db, [*runs, failed])
    (before,) = await best(db)
    gone = [run.run_id for run in runs[:9]] + [failed.run_id]
    assert len(await queries.delete_runs(db, run_ids=gone)) == 10
    (after,) = await best(db)
    assert after == before
    await store(db, runs[:3])  # and come back: they are still the same trials
    assert (await best(db))[0].trials == 10
    await queries.delete_runs(db, run_ids=gone[:3])
    assert (await best(db))[0].trials == 10


async def test_what_counts_as_a_trial_depends_on_the_scope(db: asyncpg.Connection) -> None:
    later, grid = datetime(2021, 12, 31, tzinfo=UTC), uuid4()
    await store(
        db,
        [
            trial(2.0, 1),
            trial(1.0, 2),
            trial(1.0, 3, strategy_name="Momentum"),
            trial(1.0, 4, instrument_ids=["ES.GLBX"]),
            trial(1.0, 5, end_date=later),
            trial(0.9, 6, end_date=later, batch_id=grid, strategy_name="Momentum"),
            trial(0.8, 7, end_date=later, batch_id=grid, strategy_name="Momentum"),
            trial(0.7, 8, end_date=later, strategy_name="Momentum"),
        ],
    )
    counts = [
        (await best(db, scope=scope))[0].trials for scope in ("strategy", "instrument", "store")
    ]
    assert counts == [2, 3, 8]
    assert (await best(db, scope="batch"))[0].trials == 2  # of its strategy: it is of no grid
    of_grid = Listing((sql.condition("same_batch", grid),), "sharpe_ratio")
    (found,) = await judging.best(db, of_grid, 1, scope="batch")
    assert (found.trials, found.sharpe_ratio) == (2, 0.9)
    await queries.delete_runs(db, run_ids=[found.run_id])
    assert (await judging.best(db, of_grid, 1, scope="batch"))[0].trials == 2


BATCHES = uuid4(), uuid4()
DAYS = [datetime(year, 1, 1, tzinfo=UTC) for year in (2010, 2012)]


def random_trial(random: Random) -> Record:
    batch = random.choice([*BATCHES, None])
    status = random.choices(["success", "stopped", "failed"], [8, 1, 1])[0]
    ratio = random.choice([random.gauss(0, 1), random.gauss(0, 1), None])
    measured = {"sharpe_ratio": ratio, "periods_per_year": random.choice([252.0, 365.0])}
    return make_record(
        status=status,
        strategy_name=random.choice(["SMA", "RSI"]),
        instrument_ids=random.choice([["A.X"], ["B.X"], ["A.X", "B.X"]]),
        start_date=random.choice(DAYS),
        end_date=random.choice(
            [datetime(2015, 1, 1, tzinfo=UTC), datetime(2016, 1, 1, tzinfo=UTC)]
        ),
        config_hash=random.choice([f"{n:064x}" for n in range(6)] + [None]),
        code_hash=random.choice(["a" * 64, "b" * 64, None]),
        batch_id=batch,
        reproduced_from=random.choices([None, uuid4()], [8, 1])[0],
        **({} if status == "failed" else measured),
    )


def counted(runs: list[Record], asked: dict[str, Any]) -> tuple[int, float | None]:
    """Count the trials and measure their deviation, as the words in the documentation have it."""
    trials: dict[object, list[float]] = {}
    for run in runs:
        if run.status != "success" or run.reproduced_from is not None:
            continue
        if any(value is not None and getattr(run, name) != value for name, value in asked.items()):
            continue
        of = run.run_id if run.config_hash is None else (run.config_hash, run.code_hash)
        ratios = trials.setdefault(of, [])
        if run.sharpe_ratio is not None and run.periods_per_year is not None:
            ratios.append(run.sharpe_ratio / sqrt(run.periods_per_year))
    means = [fmean(ratios) for ratios in trials.values() if ratios]
    return len(trials), stdev(means) if len(means) > 1 else None


@pytest.mark.parametrize("seed", range(4))
async def test_trials_are_those_of_a_plain_count(db: asyncpg.Connection, seed: int) -> None:
    random = Random(seed)
    runs = [random_trial(random) for _ in range(120)]
    await store(db, runs)
    await queries.delete_runs(db, run_ids=[run.run_id for run in runs[::3]])
    for _ in range(40):
        asked: dict[str, Any] = {
            "strategy_name": random.choice(["SMA", None]),
            "instrument_ids": random.choice([["A.X"], None]),
            "start_date": random.choice([DAYS[0], None]),
            "end_date": random.choice([datetime(2015, 1, 1, tzinfo=UTC), None]),
            "batch_id": random.choice([BATCHES[0], None]),
        }
        found = await queries.trials(db, **asked, newest=1000)
        count, deviation = counted(runs, asked)
        assert found.trials == count, asked
        assert found.deviation == (None if deviation is None else pytest.approx(deviation)), asked


async def test_of_very_many_trials_the_newest_are_measured(db: asyncpg.Connection) -> None:
    started = datetime(2026, 1, 5, tzinfo=UTC)
    ratios = [0.3, -0.2, 0.9, 0.4, 3.0]  # the newest first
    days = (started - timedelta(days=n) for n in range(5))
    runs = [
        trial(r, n, started_at=day) for n, (r, day) in enumerate(zip(ratios, days, strict=True))
    ]
    await store(db, runs)
    everything = dict.fromkeys(
        ("strategy_name", "instrument_ids", "start_date", "end_date", "batch_id")
    )
    found = await queries.trials(db, **everything, newest=3)
    assert found.trials == 5
    assert found.deviation == pytest.approx(stdev(r / sqrt(252.0) for r in ratios[:3]))


async def test_of_few_or_shapeless_returns_nothing_is_told(db: asyncpg.Connection) -> None:
    await store(db, [trial(3.0, 1, returns_count=40)])
    (few,) = await best(db)
    assert (few.verdict, few.trials) == ("cannot_tell", 1)
    assert judging.describe_verdict(few) == "cannot tell: 40 daily returns are fewer than 60"
    await store(db, [trial(4.0, 2, returns_kurtosis=None)])
    (shapeless,) = await best(db)
    assert (shapeless.verdict, shapeless.deflated_sharpe_ratio) == ("cannot_tell", None)
    assert judging.describe_verdict(shapeless).startswith(
        "cannot tell: its Sharpe ratio, or the shape"
    )
    await store(db, [trial(5.0, 3, returns_skewness=1e6)])
    assert (await best(db))[0].verdict == "cannot_tell"


async def test_luck_is_called_luck(db: asyncpg.Connection) -> None:
    await store(db, [trial(0.02 * n - 1, n) for n in range(100)])
    (found,) = await best(db)
    assert found.verdict == "luck"
    assert judging.describe_verdict(found).startswith(
        "may well be luck: without skill the best of 100 trials"
    )


async def test_no_run_is_judged_without_the_metric(db: asyncpg.Connection) -> None:
    assert await best(db) == []
    await store(db, [trial(None, 1), make_record(run_id=uuid4(), status="failed")])
    assert await best(db) == []


async def test_the_same_parameters_at_another_time_are_shown_beside(
    db: asyncpg.Connection,
) -> None:
    def at(first: int, last: int, ratio: float | None, number: int, **changes: Any) -> Record:
        dates = {
            "start_date": datetime(first, 1, 2, tzinfo=UTC),
            "end_date": datetime(last, 12, 30, tzinfo=UTC),
        }
        return trial(ratio, number, **dates | changes)

    await store(
        db,
        [
            at(2010, 2014, 2.0, 1),
            at(2015, 2016, 0.5, 2),  # the longest that has no day in common
            at(2015, 2015, 0.9, 3),
            at(2014, 2018, 1.9, 4),  # overlaps
            at(2015, 2018, 1.5, 5, parameters={"fast_period": 10}),
            at(2015, 2018, 1.5, 9, parameters=make_record().parameters | {"stop": 3}),
            at(2015, 2018, 1.5, 6, instrument_ids=["ES.GLBX"]),
            at(2015, 2018, 1.5, 7, strategy_name="Momentum"),
            at(2015, 2018, None, 8),
        ],
    )
    (found,) = await best(db)
    assert (found.sharpe_ratio, found.other_sharpe_ratio) == (2.0, 0.5)
    said = judging.describe_verdict(found)
    there = "with the same parameters from 2015-01-02 to 2016-12-30 it was 0.50, 25% of it"
    assert said.endswith(f"; {there}")
    pair = await compare(db, [str(found.run_id), "@latest"])
    name = str(found.run_id)[:8]
    assert f"run {name} has a Sharpe ratio of 2.00; {there}" in [*pair.notes()]
    (alone,) = await best(db, strategy="Momentum")
    assert alone.other_sharpe_ratio is None


def test_the_shell_shows_the_best_and_says_what_it_is_worth(store_url: str) -> None:
    store_at(store_url, *(trial(0.1 * n - 1, n) for n in range(40)))
    answer = btstore("best", "--limit", "2")
    assert answer.code == 0
    first, second, note = answer.err.splitlines()
    assert note.startswith("note: trials")
    assert "more than luck: without skill the best of 40 trials does as well in" in first
    assert "more than luck" in second
    printed = json.loads(btstore("best", "--format", "json", "--limit", "1").out)
    assert [(run["trials"], run["verdict"]) for run in printed] == [(40, "real")]
    assert btstore("best", "--by", "volatility_of_it").code == 2
    assert btstore("best", "--by", "total_trades").code == 2
    strict = json.loads(btstore("best", "--variance", "null", "--format", "json").out)
    assert strict[0]["chance_of_luck"] != printed[0]["chance_of_luck"]
