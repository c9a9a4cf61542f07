"""Lists are read from indexes: what PostgreSQL plans, and how many rows of tables it looks at.

On 20,000 runs, and by counts instead of clocks, so that nothing here depends on the machine.
"""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import product
from math import sin
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import psycopg
import pytest
import pytest_asyncio
from pytest_postgresql.executors import NoopExecutor

from backtest_store.errors import UsageError
from backtest_store.runs import listing, selectors, summary
from backtest_store.runs.filters import filters
from backtest_store.runs.listing import Listing
from backtest_store.store import migrations, queries

RUNS = 20_000
PAGE = 20
FEW = 30 * PAGE
# What is looked at first where a filter has no order, and a page of what is found then.
NEAR = listing.NEAR + FEW
# A page by id is 120 blocks: the heights of five indexes and a row or two for each run.
FEW_BLOCKS = 140
NEAR_BLOCKS = 220
# What an order's indexes are called after.
ORDERS = {
    "started_at": "date",
    "total_return": "return",
    "sharpe_ratio": "sharpe",
    "max_drawdown": "drawdown",
}
STARTED = datetime(2024, 1, 1, tzinfo=UTC)
STATUS = {7: "failed", 8: "failed", 9: "interrupted"}
# Each common, and no run has both.
COMMON_STRATEGY, COMMON_INSTRUMENT = "strategy 0", "I1"


class Plan(NamedTuple):
    """What PostgreSQL did for a query."""

    query: str
    nodes: tuple[dict[str, Any], ...]

    @property
    def indexes(self) -> set[str]:
        """The indexes that were used."""
        return {node["Index Name"] for node in self.nodes if "Index Name" in node}

    @property
    def blocks(self) -> int:
        """How many blocks of tables and indexes were read, cached or not."""
        return int(self.nodes[0]["Shared Hit Blocks"] + self.nodes[0]["Shared Read Blocks"])

    @property
    def looked_at(self) -> int:
        """How many rows of tables were fetched, kept or not."""
        return sum(fetched(node) for node in self.nodes if "Relation Name" in node)


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a node of a plan and all below it."""
    yield node
    for below in node.get("Plans", ()):
        yield from walk(below)


def fetched(node: dict[str, Any]) -> int:
    """Return the rows that a node fetched from its table."""
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    rows: float = (node["Actual Rows"] + removed) * node["Actual Loops"]
    return round(rows)


class Explaining:
    """A connection that keeps the plan of every query that goes through it."""

    def __init__(self, db: asyncpg.Connection) -> None:
        self.db = db
        self.plans: list[Plan] = []

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """Run a query, after having it explained."""
        explain = f"EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) {query}"
        explained = json.loads(await self.db.fetchval(explain, *args))
        self.plans.append(Plan(query, tuple(walk(explained[0]["Plan"]))))
        rows: list[asyncpg.Record] = await self.db.fetch(query, *args)
        return rows

    @property
    def looked_at(self) -> int:
        """How many rows all queries together looked at."""
        return sum(plan.looked_at for plan in self.plans)

    @property
    def blocks(self) -> int:
        """How many blocks all queries together read."""
        return sum(plan.blocks for plan in self.plans)

    @property
    def indexes(self) -> set[str]:
        """The indexes that any of them used."""
        return {index for plan in self.plans for index in plan.indexes}


@pytest.fixture(scope="module")
def populated(template: NoopExecutor) -> Iterator[str]:
    """Give the URL of a store with so many runs."""
    server = f"postgresql://{template.user}@/{{}}?host={template.host}&port={template.port}"
    database = f"{template.dbname}_plans"  # each worker has its own
    url = server.format(database)
    with psycopg.connect(server.format("postgres"), autocommit=True) as administrator:
        administrator.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        administrator.execute(f'CREATE DATABASE "{database}"')
        migrations.migrate(url)
        with psycopg.connect(url) as store:
            populate(store)
        with psycopg.connect(url, autocommit=True) as store:
            store.execute("VACUUM ANALYZE")
        yield url
        administrator.execute(f'DROP DATABASE "{database}" WITH (FORCE)')


def populate(store: "psycopg.Connection[Any]") -> None:
    """Copy the runs into both tables."""
    runs = [a_run(n) for n in range(RUNS)]
    successful = [(n, run) for n, run in enumerate(runs) if run[1] == "success"]
    with store.cursor() as cursor:
        columns = (
            "run_id, status, started_at, strategy_name, strategy_type, instrument_ids, parameters,"
            " error_type, config_snapshot, provenance, total_return, sharpe_ratio, max_drawdown,"
            " currency"
        )
        ranked = {n: metrics(n, run[3]) for n, run in successful}
        with cursor.copy(f"COPY backtest_runs ({columns}) FROM STDIN") as copy:
            for n, run in enumerate(runs):
                ranks = ranked.get(n, (None, None, None))
                copy.write_row((*run[:-1], "{}", "{}", *ranks, "JPY" if n % 3 else "USD"))
        columns = (
            "run_id, total_return, sharpe_ratio, max_drawdown, equity_basis, engine_stats,"
            " warnings, total_trades, winning_trades, losing_trades, breakeven_trades,"
            " returns_count, net_profit"
        )
        with cursor.copy(f"COPY performance_metrics ({columns}) FROM STDIN") as copy:
            for n, run in successful:
                copy.write_row(
                    (run[0], *metrics(n, run[3]), "balance", "{}", "{}", 0, 0, 0, 0, 0, n)
                )
        with cursor.copy("COPY annotations (run_id, tags) FROM STDIN") as copy:
            for run in runs:
                if run[-1]:
                    copy.write_row((run[0], run[-1]))


def a_run(n: int) -> tuple[Any, ...]:
    """Return a run: a third are of the most common strategy, the best and newest are not."""
    strategy = 0 if n % 3 == 0 and n < RUNS * 0.9 else 1 + n % 19
    status = STATUS.get(n % 100, "success")
    return (
        UUID(int=(n * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128),
        status,
        STARTED + timedelta(minutes=n),
        f"strategy {strategy}",
        f"type {strategy % 5}",
        instruments(n, strategy),
        json.dumps({"fast": n % 50, "slow": n % 7, "rare": n % 5_000}),
        "ValueError" if status == "failed" else None,
        ["nightly"] if n % 1_000 == 0 else [],
    )


def instruments(n: int, strategy: int) -> list[str]:
    """Return one to five instruments; only the most common strategy never runs on `I1`."""
    first = f"I{2 + n % 30}"
    if strategy and n % 2 == 0:
        return [COMMON_INSTRUMENT, first] if n % 4 else [first, COMMON_INSTRUMENT]
    if n % 497 == 0:
        return [first, "J", "K", "L", "M"]
    return [first] if n % 9 else ["J", "K", first]


def metrics(n: int, strategy: str) -> tuple[float, float | None, float]:
    """Return return, Sharpe ratio and drawdown; those of the most common strategy are the worst."""
    worse = 9.0 if strategy == COMMON_STRATEGY else 0.0
    value = sin(n) - worse
    return value, None if n % 31 == 0 else value, 0.0 if n % 47 == 0 else value - 1


@pytest_asyncio.fixture
async def explaining(populated: str) -> AsyncIterator[Explaining]:
    """Give a connection that keeps its plans."""
    db = await asyncpg.connect(populated, statement_cache_size=0)
    yield Explaining(db)
    await db.close()


async def listed(explaining: Explaining, order_by: str, **asked: Any) -> list[Any]:
    """Return the first page of a list, as a command asks for it."""
    return await listing.page(explaining, Listing(filters(**asked).conditions, order_by), PAGE)


async def test_what_runs_are_ranked_by_is_what_their_metrics_say(explaining: Explaining) -> None:
    differing = await explaining.db.fetchval(
        "SELECT count(*) FROM backtest_runs AS r LEFT JOIN performance_metrics AS m USING (run_id)"
        " WHERE (r.total_return, r.sharpe_ratio, r.max_drawdown)"
        " IS DISTINCT FROM (m.total_return, m.sharpe_ratio, m.max_drawdown)"
    )
    assert differing == 0


@pytest.mark.parametrize("order_by", ORDERS)
async def test_the_first_of_all_runs_are_read_from_the_index_of_their_order(
    explaining: Explaining, order_by: str
) -> None:
    assert len(await listed(explaining, order_by)) == PAGE
    assert f"backtest_runs_by_{ORDERS[order_by]}" in explaining.indexes
    assert explaining.looked_at <= FEW
    assert explaining.blocks <= FEW_BLOCKS


@pytest.mark.parametrize("order_by", ORDERS)
async def test_what_is_not_found_among_the_first_runs_is_read_from_an_index(
    explaining: Explaining, monkeypatch: pytest.MonkeyPatch, order_by: str
) -> None:
    monkeypatch.setattr(listing, "NEAR", 1)
    assert len(await listed(explaining, order_by, instrument="M")) == PAGE
    assert "backtest_runs_by_filters" in explaining.indexes
    assert all(node.get("Node Type") != "Seq Scan" for node in nodes_of_runs(explaining))


@pytest.mark.parametrize("order_by", ORDERS)
@pytest.mark.parametrize("strategy", [COMMON_STRATEGY, "strategy 7", "nothing"])
async def test_the_first_runs_of_a_strategy_are_read_from_its_index_of_their_order(
    explaining: Explaining, strategy: str, order_by: str
) -> None:
    assert len(await listed(explaining, order_by, strategy=strategy)) == PAGE * (
        strategy != "nothing"
    )
    by = "" if order_by == "started_at" else f"_{ORDERS[order_by]}"
    assert f"backtest_runs_by_strategy{by}" in explaining.indexes
    assert explaining.looked_at <= FEW
    assert explaining.blocks <= FEW_BLOCKS


@pytest.mark.parametrize("order_by", ORDERS)
async def test_a_common_strategy_and_instrument_that_never_met_are_known_from_one_index(
    explaining: Explaining, order_by: str
) -> None:
    assert not await listed(
        explaining, order_by, strategy=COMMON_STRATEGY, instrument=COMMON_INSTRUMENT
    )
    _, matching = explaining.plans  # among the first, and of all
    assert "backtest_runs_by_filters" in matching.indexes
    assert matching.looked_at == 0


async def test_that_nothing_is_of_a_type_is_read_from_its_index(explaining: Explaining) -> None:
    assert not await listed(explaining, "sharpe_ratio", strategy_type="nothing")
    assert "backtest_runs_by_filters" in explaining.indexes
    assert explaining.looked_at <= NEAR


@pytest.mark.parametrize(
    ("strategy", "instrument"),
    [
        *product(["strategy 7", "nothing"], [None, COMMON_INSTRUMENT, "M", "nothing"]),
        *product([None, COMMON_STRATEGY], ["M", "nothing"]),
    ],
)
async def test_what_is_rare_or_not_there_is_found_without_the_whole_table(
    explaining: Explaining, strategy: str | None, instrument: str | None
) -> None:
    for strategy_type, status, order_by in product(
        (None, "type 0", "type 3"), (None, "success", "failed", "interrupted"), ORDERS
    ):
        asked = {"strategy_type": strategy_type, "status": status}
        await listed(explaining, order_by, strategy=strategy, instrument=instrument, **asked)
    whole = [node for node in nodes_of_runs(explaining) if node["Node Type"] == "Seq Scan"]
    assert not whole


def nodes_of_runs(explaining: Explaining) -> list[dict[str, Any]]:
    """Return the parts of all plans that read the table of runs."""
    nodes = (node for plan in explaining.plans for node in plan.nodes)
    return [node for node in nodes if node.get("Relation Name") == "backtest_runs"]


@pytest.mark.parametrize("order_by", ORDERS)
@pytest.mark.parametrize("asked", [{}, {"strategy": COMMON_STRATEGY}, {"instrument": "I1"}])
async def test_a_page_far_down_looks_at_no_more_runs_than_the_first(
    explaining: Explaining, asked: dict[str, str], order_by: str
) -> None:
    where = filters(**asked).conditions
    runs = await listing.page(explaining.db, Listing(where, order_by), 2_000)
    await listing.page(explaining, Listing(where, order_by, after=runs[-1]), PAGE)
    assert explaining.looked_at <= NEAR
    assert explaining.blocks <= (NEAR_BLOCKS if asked else FEW_BLOCKS)


@pytest.mark.parametrize("order_by", ["started_at", "sharpe_ratio"])
@pytest.mark.parametrize(
    ("parameters", "least"),
    [(["fast=10"], 1), (["fast=10", "slow=3"], 1), (["rare=77"], 1), (["fast=99"], 0)],
)
async def test_a_parameter_that_equals_a_value_is_found_by_index(
    explaining: Explaining, parameters: list[str], least: int, order_by: str
) -> None:
    assert len(await listed(explaining, order_by, parameters=parameters)) >= least
    assert explaining.looked_at <= NEAR


@pytest.mark.parametrize("strategy", [None, COMMON_STRATEGY, "nothing"])
async def test_a_tag_is_found_by_index(explaining: Explaining, strategy: str | None) -> None:
    await listed(explaining, "started_at", tags=["nightly"], strategy=strategy)
    assert explaining.looked_at <= NEAR


async def test_other_times_of_the_same_strategy_and_parameters_are_found_by_index(
    explaining: Explaining,
) -> None:
    await queries.other_periods(explaining, run_ids=[a_run(n)[0] for n in range(10)])
    assert "backtest_runs_by_filters" in explaining.indexes
    assert explaining.looked_at <= FEW


async def test_runs_are_put_in_the_order_of_any_metric_as_they_are_read(
    explaining: Explaining,
) -> None:
    (best, *_) = await listed(explaining, "sortino_ratio")
    explaining.plans.clear()
    await listing.page(explaining, Listing(order_by="sortino_ratio", after=best), PAGE)
    # Once all are gathered, as a subquery's rows, only one process puts them in order.
    assert "Subquery Scan" not in kinds_of_whole(explaining.plans[0].nodes[0])


async def test_runs_of_a_filter_are_ranked_by_any_metric_at_once(
    explaining: Explaining,
) -> None:
    assert await listed(explaining, "sortino_ratio", strategy="strategy 7")
    assert len(explaining.plans) == 2  # who they are, and what they have


async def test_a_strategy_is_summed_up_from_its_indexes_alone(explaining: Explaining) -> None:
    where = filters(strategy="strategy 7").conditions
    await summary.trend(explaining, "day", where=where)
    assert {node["Node Type"] for node in nodes_of_runs(explaining)} == {"Index Only Scan"}


async def test_runs_of_a_strategy_are_counted_from_its_index(explaining: Explaining) -> None:
    where = filters(
        strategy=COMMON_STRATEGY, status="success", metrics=["max_drawdown>-20"]
    ).conditions
    assert await listing.count(explaining, Listing(where))
    conditions = [node.get("Index Cond", "") for node in nodes_of_runs(explaining)]
    assert [text for text in conditions if "strategy_name = " in text]


async def test_whether_amounts_are_of_one_currency_is_known_from_a_run_of_each(
    explaining: Explaining,
) -> None:
    with pytest.raises(UsageError, match="JPY and USD"):
        await selectors.require_one_currency(explaining, "net_profit")
    assert explaining.looked_at <= FEW
    assert explaining.indexes >= {"backtest_runs_by_currency"}


async def test_what_runs_did_over_some_months_is_computed_without_a_row_for_each_month(
    explaining: Explaining,
) -> None:
    months = date(2008, 1, 1), date(2009, 3, 1)
    for order_by in listing.OVER_MONTHS:
        await listing.over_months(explaining, Listing(order_by=order_by), months, PAGE)
    # But the Sharpe ratio of each run is a query of its own, over the arrays of that run.
    kinds = {kind for plan in explaining.plans for kind in kinds_of_whole(plan.nodes[0])}
    assert "Limit" in kinds
    assert not kinds & {"WindowAgg", "ProjectSet", "Aggregate"}


def kinds_of_whole(node: dict[str, Any]) -> Iterator[str]:
    """Yield the kinds of a plan's nodes, less those of queries that are asked of one row."""
    if node.get("Parent Relationship") == "SubPlan":
        return
    yield node["Node Type"]
    for below in node.get("Plans", ()):
        yield from kinds_of_whole(below)


async def test_a_run_is_found_by_the_beginning_of_its_id(explaining: Explaining) -> None:
    run_id = a_run(RUNS // 2)[0]
    found = await selectors.resolve(explaining, str(run_id)[:9])
    assert found.run_id == run_id
    assert explaining.looked_at <= FEW
    assert "backtest_runs_pkey" in explaining.indexes
