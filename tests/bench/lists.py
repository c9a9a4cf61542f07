"""Queries from the client, warm: lists under every filter and order, runs by id, sums."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import date
from functools import partial
from itertools import product
from statistics import median
from time import perf_counter
from typing import NamedTuple

from asyncpg import Connection

from backtest_store.models import Record
from backtest_store.runs import listing, selectors, summary
from backtest_store.runs.filters import filters
from backtest_store.runs.listing import Listing
from backtest_store.runs.unknown_names import unknown_names
from tests.bench.measure import medians
from tests.bench.table import Row

ORDERS = ("started_at", "total_return", "sharpe_ratio", "max_drawdown")
STATUSES = (None, "success", "failed", "interrupted")
ROUNDS = 15
PAGE_SIZE = 20
SLOWEST_SHOWN = 3
MONTHS, MONTHS_ROUNDS = (date(2008, 1, 1), date(2009, 3, 1)), 5
COVERED = 100_000
COVERING = """
SELECT max(started_at) AS until, count(*) AS runs
  FROM (
        SELECT started_at
          FROM backtest_runs JOIN periods USING (run_id)
         WHERE period = 'month'
           AND period_start <= '2008-01-01'
           AND period_start + cardinality(period_returns) * interval '1 month' >= '2009-04-01'
         ORDER BY started_at
         LIMIT $1
       ) AS covering
"""
EXPRESSION = "sharpe_ratio > 1 and (fast_period >= 10 or slow_period < 50) and status == 'success'"
WORST = 30  # ms of any list that the shell can ask for


class Choices(NamedTuple):
    """Values to filter by: none, the most common two, a middling one, the rarest, an unknown."""

    strategies: tuple[str | None, ...]
    types: tuple[str | None, ...]
    instruments: tuple[str | None, ...]


class Combination(NamedTuple):
    """A list that the shell can ask for."""

    strategy: str | None
    strategy_type: str | None
    instrument: str | None
    status: str | None
    order_by: str

    def listing(self) -> Listing:
        """Return it as the commands compose it."""
        asked = self._asdict()
        order_by = asked.pop("order_by")
        return Listing(filters(**asked).conditions, order_by)

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self._asdict().items() if value)


async def choices(db: Connection) -> Choices:
    """Choose values to filter by from what the store has."""
    strategy = await _by_frequency(db, "SELECT strategy_name AS value FROM backtest_runs")
    kind = await _by_frequency(db, "SELECT strategy_type AS value FROM backtest_runs")
    instrument = await _by_frequency(
        db, "SELECT unnest(instrument_ids) AS value FROM backtest_runs"
    )
    return Choices(_spread(strategy), _spread(kind), _spread(instrument))


async def _by_frequency(db: Connection, values: str) -> list[str]:
    query = f"SELECT value FROM ({values}) AS v GROUP BY value ORDER BY count(*) DESC, value"
    return [row["value"] for row in await db.fetch(query)]


def _spread(values: list[str]) -> tuple[str | None, ...]:
    return (None, values[0], values[1], values[len(values) // 2], values[-1], "nothing")


def combinations(chosen: Choices) -> Iterator[Combination]:
    """Yield every combination of filters and orders."""
    for values in product(*chosen, STATUSES, ORDERS):
        yield Combination(*values)


async def lists(db: Connection, chosen: Choices) -> AsyncIterator[Row]:
    """Measure every combination: the slowest against the bar, and the median."""
    floor = await _floor(db)
    seconds = {each: await _fastest_of(db, each) for each in combinations(chosen)}
    ranked = sorted(seconds, key=seconds.__getitem__, reverse=True)
    for what, those in _simple(chosen).items():
        slowest = max(those, key=seconds.__getitem__)
        yield Row(what, seconds[slowest] * 1e3, "ms", 3, floor * 1e3, note=f"slowest: {slowest}")
    over = sum(value > WORST / 1e3 for value in seconds.values())
    yield Row("top 20, median combination", median(seconds.values()) * 1e3, "ms", 5, floor * 1e3)
    for each in ranked[:SLOWEST_SHOWN]:
        note = str(each) if each is not ranked[0] else f"{over} of {len(ranked)} over; {each}"
        yield Row(
            "top 20, slowest combinations", seconds[each] * 1e3, "ms", WORST, floor * 1e3, note=note
        )


def _simple(chosen: Choices) -> dict[str, list[Combination]]:
    """Return the lists that are asked for most, without what no run has."""
    strategies, instruments = chosen.strategies[1:-1], chosen.instruments[1:-1]
    return {
        "newest 20": [Combination(None, None, None, None, ORDERS[0])],
        "top 20 by a ranked metric": [Combination(None, None, None, None, o) for o in ORDERS[1:]],
        "20 of a strategy": [
            Combination(s, None, None, None, o) for s in strategies for o in ORDERS
        ],
        "20 of an instrument": [
            Combination(None, None, i, None, o) for i in instruments for o in ORDERS
        ],
    }


async def _floor(db: Connection) -> float:
    """Return the seconds that 20 runs take by id: what any list costs to send and to read."""
    ids = [run.run_id for run in await listing.page(db, Listing(), PAGE_SIZE)]
    query = (
        "SELECT * FROM backtest_runs JOIN performance_metrics USING (run_id)"
        " WHERE run_id = ANY ($1)"
    )
    return (await medians({"floor": lambda: db.fetch(query, ids)}, ROUNDS))["floor"]


async def _fastest_of(db: Connection, combination: Combination) -> float:
    """Return the seconds of the second-fastest of four tries: there are thousands to measure."""
    asked = combination.listing()
    seconds = sorted([await _timed(partial(listing.page, db, asked, PAGE_SIZE)) for _ in range(4)])
    return seconds[1]


async def _timed(run: Callable[[], Awaitable[object]]) -> float:
    started = perf_counter()
    await run()
    return perf_counter() - started


async def others(db: Connection, chosen: Choices) -> AsyncIterator[Row]:
    """Measure what else the commands ask."""
    newest = await listing.page(db, Listing(), 1000)
    author = (await selectors.resolve(db, "@latest")).provenance["user"]
    ids = [str(run.run_id) for run in newest[::100]]
    page = partial(_page, db)
    floor = await _floor(db)
    measured: dict[str, tuple[Callable[[], Awaitable[object]], float]] = {
        "one run by id": (partial(selectors.resolve, db, ids[0]), 1),
        "one run by prefix": (partial(selectors.resolve, db, ids[0][:8]), 1),
        "ten runs by id": (partial(selectors.resolve_all, db, ids), 2),
        "--param equality, sorted": (page("sharpe_ratio", parameters=["fast_period=10"]), 20),
        "--param equality, two": (
            page("sharpe_ratio", parameters=["fast_period=10", "slow_period=100"]),
            20,
        ),
        "--param equality, no match": (page("sharpe_ratio", parameters=["fast_period=11"]), 20),
        "--param >, no match": (page("sharpe_ratio", parameters=["fast_period>1000"]), 400),
        "--metric >, no match": (page("sharpe_ratio", metrics=["sortino_ratio>1000"]), 400),
        "--param > and --metric >, one in two": (
            page("started_at", parameters=["fast_period>10"], metrics=["total_trades>400"]),
            400,
        ),
        "--where, one expression": (page("sharpe_ratio", where=[EXPRESSION]), 400),
        "names of --where looked up": (
            partial(unknown_names, db, filters(where="fast_period > 5 and slow_period > 5")),
            50,
        ),
        "--author, of every run": (page("started_at", author=[author]), 400),
        "@best by a metric without an index": (partial(selectors.resolve, db, "@best:cagr"), 500),
        "strategies": (partial(summary.strategies, db), 500),
        "trend of the most common strategy, by day": (
            partial(
                summary.trend,
                db,
                "day",
                where=filters(strategy=chosen.strategies[1]).conditions,
            ),
            500,
        ),
    }
    for what, (run, limit) in measured.items():
        seconds = (await medians({what: run}, ROUNDS))[what]
        yield Row(what, seconds * 1e3, "ms", limit, floor * 1e3)


async def months(db: Connection) -> AsyncIterator[Row]:
    """Measure `history --while` over the oldest runs that cover fifteen months, by each order."""
    covering = await db.fetchrow(COVERING, COVERED)
    assert covering
    where = filters(until=covering["until"].isoformat()).conditions
    for order_by in listing.OVER_MONTHS:
        asked = partial(listing.over_months, db, Listing(where, order_by), MONTHS, PAGE_SIZE)
        seconds = (await medians({"months": asked}, MONTHS_ROUNDS, warm_up=1))["months"]
        what = f"--while over {covering['runs']:,} runs, by {order_by}"
        yield Row(what, seconds * 1e3, "ms", 500)


def _page(db: Connection, order_by: str, **asked: list[str]) -> Callable[[], Awaitable[object]]:
    return partial(listing.page, db, Listing(filters(**asked).conditions, order_by), PAGE_SIZE)


async def keyset(db: Connection) -> AsyncIterator[Row]:
    """Measure a page far down against the first."""
    for order_by in ("started_at", "sharpe_ratio"):
        first = Listing(order_by=order_by)
        far = first._replace(after=await _far_down(db, first))
        pages = {
            "first": partial(listing.page, db, first, PAGE_SIZE),
            "far": partial(listing.page, db, far, PAGE_SIZE),
        }
        seconds = await medians(pages, ROUNDS * 3)
        what = f"page 10,000 by {order_by}, against page 1"
        yield Row(what, seconds["far"] * 1e3, "ms", 1.5, seconds["first"] * 1e3, of_ratio=True)


async def _far_down(db: Connection, listed: Listing) -> Record:
    """Return the run before page 10,000 (of 20), or in a small store the one in the middle."""
    runs: int = await db.fetchval("SELECT count(*) FROM backtest_runs")
    query = (
        f"SELECT run_id FROM backtest_runs ORDER BY {listed.order_by} DESC NULLS LAST,"
        " started_at DESC, run_id DESC LIMIT 1 OFFSET $1"
    )
    run_id = await db.fetchval(query, min(9_999 * PAGE_SIZE, runs // 2))
    return await selectors.resolve(db, str(run_id))


async def growth(
    small: Connection, large: Connection, chosen: Choices, most: float
) -> AsyncIterator[Row]:
    """Measure the same queries on a small store and on a larger one."""
    runs, fewer = [await db.fetchval("SELECT count(*) FROM backtest_runs") for db in (large, small)]
    asked = {
        "newest 20": Listing(),
        "top 20 by Sharpe ratio": Listing(order_by="sharpe_ratio"),
        "top 20 of a strategy": Listing(
            filters(strategy=chosen.strategies[2]).conditions, "total_return"
        ),
        "top 20 of an instrument": Listing(
            filters(instrument=chosen.instruments[2]).conditions, "max_drawdown"
        ),
    }
    for what, each in asked.items():
        seconds = await medians(
            {
                "small": partial(listing.page, small, each, PAGE_SIZE),
                "large": partial(listing.page, large, each, PAGE_SIZE),
            },
            ROUNDS * 3,
        )
        large_ms, small_ms = seconds["large"] * 1e3, seconds["small"] * 1e3
        note = f"among {runs:,} runs, against {fewer:,}"
        yield Row(what, large_ms, "ms", most, small_ms, of_ratio=True, note=note)
