"""Filters, order and pages, against a plain Python oracle."""

import asyncio
import json
import operator
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtest_store import models
from backtest_store.errors import StoreError, UsageError
from backtest_store.models import Record
from backtest_store.runs import listing, selectors
from backtest_store.runs.filters import filters
from backtest_store.store.record_fields import SORTABLE, ascends
from backtest_store.store.sql import folder
from tests.factories import STARTED, make_record, store, store_at
from tests.number_of_tries import tries

RUNS = 250
CHANCE = random.Random(20_260_105)
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
RATIOS = (None, -1.5, 0.0, 0.25, 0.25, 1.0, 2.0)


def some_run() -> Record:
    """Make a run of few possible values, so that ties and undefined metrics are common."""
    pick = CHANCE.choice
    run = make_record(
        run_id=UUID(int=CHANCE.getrandbits(128)),
        status=pick(("success", "success", "success", "failed", "interrupted")),
        started_at=STARTED + timedelta(hours=pick(range(40))),
        strategy_name=pick(("SMA Crossover", "RSI", "Ümlaut", "momentum")),
        strategy_type=pick(("trend_following", "mean_reversion")),
        instrument_ids=pick(([], ["A.X"], ["B.X"], ["A.X", "B.X"], ["C.X", "A.X", "B.X", "D.X"])),
        currency=pick(("USD", "EUR")),
        tags=pick(([], ["demo"], ["demo", "grid"])),
        parameters=pick(
            (
                {},
                {"fast": 5, "exit": {"atr": 2.5}},
                {"fast": 10, "exit": {"atr": 2}},
                {"fast": 10.0, "mode": True},
                {"fast": "10", "mode": "true"},
                {"fast": None, "mode": [1, 2]},
            )
        ),
    )
    if run.status != "success":
        return run
    return replace(
        run,
        sharpe_ratio=pick(RATIOS),
        total_return=pick(RATIOS),
        max_drawdown=pick((None, -0.5, -0.1, 0.0)),
        volatility=pick((None, 0.1, 0.2, 0.3)),
        net_profit=pick((None, Decimal("-1.10"), Decimal("0.1"), Decimal("1e3"))),
    )


class Asked(NamedTuple):
    """A filter as a person types it, and what it means in plain Python."""

    option: dict[str, str | list[str]]
    means: Callable[[Record], bool]


def option(name: str, field: str, values: list[str]) -> st.SearchStrategy[Asked]:
    return st.sampled_from(values).map(
        lambda value: Asked({name: value}, lambda run: getattr(run, field) == value)
    )


def member(name: str, field: str, values: list[str], *, many: bool) -> st.SearchStrategy[Asked]:
    return st.sampled_from(values).map(
        lambda value: Asked(
            {name: [value] if many else value}, lambda run: value in getattr(run, field)
        )
    )


def metric(name: str, sign: str, value: str) -> Asked:
    def means(run: Record) -> bool:
        held = getattr(run, name)
        return held is not None and COMPARE[sign](held, type(held)(value))

    return Asked({"metrics": [f"{name}{sign}{value}"]}, means)


def kind(value: object) -> object:
    """Return the JSON type of a value: a number is a number, and true is none."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return "number" if is_number else type(value)


MISSING = object()


def parameter(path: str, sign: str, written: str) -> Asked:
    wanted = json.loads(written)
    is_number = kind(wanted) == "number"

    def means(run: Record) -> bool:
        held: Any = run.parameters
        for part in path.split("."):
            held = held.get(part, MISSING) if isinstance(held, dict) else MISSING
        if held is MISSING or (held is None and sign == "!="):
            return False
        if is_number and isinstance(held, str) and held.replace(".", "", 1).isdigit():
            held = float(held)
        alike = kind(held) == kind(wanted)
        if sign in {"=", "!="}:
            return (alike and held == wanted) == (sign == "=")
        return alike and COMPARE[sign](held, wanted)

    return Asked({"parameters": [f"{path}{sign}{written}"]}, means)


asked = st.one_of(
    option("strategy", "strategy_name", ["SMA Crossover", "RSI", "Ümlaut", "nobody"]),
    option("strategy_type", "strategy_type", ["trend_following", "momentum"]),
    option("status", "status", ["success", "failed", "interrupted"]),
    member("instrument", "instrument_ids", ["A.X", "B.X", "D.X", "E.X"], many=False),
    member("tags", "tags", ["demo", "grid", "none"], many=True),
    st.builds(
        metric,
        st.sampled_from(["sharpe_ratio", "volatility", "max_drawdown", "net_profit"]),
        st.sampled_from(list(COMPARE)),
        st.sampled_from(["-1.5", "0", "0.1", "0.25", "1000"]),
    ),
    st.builds(
        parameter,
        st.sampled_from(["fast", "exit.atr"]),
        st.sampled_from(list(COMPARE)),
        st.sampled_from(["5", "10", "2.5", '"10"']),
    ),
    st.builds(
        parameter,
        st.sampled_from(["fast", "mode", "mode.x", "absent"]),
        st.sampled_from(["=", "!="]),
        st.sampled_from(["true", "null", "10", "[1, 2]"]),
    ),
)


def combined(all_asked: list[Asked]) -> dict[str, Any]:
    """Merge filters as options of one command; of one that is not repeatable the last counts."""
    options: dict[str, Any] = {}
    for one in all_asked:
        for name, value in one.option.items():
            options[name] = options.get(name, []) + value if isinstance(value, list) else value
    return options


def meant(all_asked: list[Asked]) -> list[Asked]:
    """Leave out filters that a later one of the same option replaces."""
    last = {name: one for one in all_asked for name in one.option}
    repeatable = {"tags", "parameters", "metrics"}
    return [o for o in all_asked for name in o.option if name in repeatable or last[name] is o]


def expected(runs: list[Record], all_asked: list[Asked], field: str) -> list[UUID]:
    """List ids as the contract says: filtered, best first, undefined last, then newest first."""
    kept = [run for run in runs if all(one.means(run) for one in meant(all_asked))]
    kept.sort(key=lambda run: (run.started_at, run.run_id), reverse=True)
    defined = [run for run in kept if getattr(run, field) is not None]
    defined.sort(key=lambda run: getattr(run, field), reverse=not ascends(field))
    return [run.run_id for run in (*defined, *(r for r in kept if getattr(r, field) is None))]


async def walked(url: str, where: Any, field: str, size: int) -> list[list[UUID]]:
    """Walk all pages, each begun after the last run of the one before."""
    db = await asyncpg.connect(url, statement_cache_size=0)
    try:
        pages: list[list[UUID]] = []
        begun = listing.Listing(where, field)
        while not pages or len(pages[-1]) == size:
            pages.append([run.run_id for run in await listing.page(db, begun, size)])
            if pages[-1]:
                last = await selectors.resolve(db, str(pages[-1][-1]), where)
                begun = begun._replace(after=last)
        return pages
    finally:
        db.terminate()


def test_every_filter_order_and_page_agrees_with_plain_python(store_url: str) -> None:
    runs = [some_run() for _ in range(RUNS)]
    store_at(store_url, *runs)

    @settings(max_examples=tries(40, 120), deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(asked, max_size=3),
        st.sampled_from(SORTABLE),
        st.sampled_from([7, 100, RUNS + 1]),
    )
    def agrees(all_asked: list[Asked], field: str, size: int) -> None:
        where = filters(**combined(all_asked)).conditions
        pages = asyncio.run(walked(store_url, where, field, size))
        wanted = expected(runs, all_asked, field)
        assert [run_id for page in pages for run_id in page] == wanted
        assert all(len(page) == size for page in pages[:-1])

    agrees()


@pytest.mark.parametrize("field", ["volatility", "net_profit", "profit_factor"])
@pytest.mark.parametrize("near", [8, 60])
def test_equal_runs_at_the_end_of_those_looked_at_first_are_in_order(
    store_url: str, monkeypatch: pytest.MonkeyPatch, field: str, near: int
) -> None:
    runs = [some_run() for _ in range(RUNS)]
    store_at(store_url, *runs)
    monkeypatch.setattr(listing, "NEAR_ROWS", near)
    for all_asked in ([], [Asked({"status": "success"}, lambda run: run.status == "success")]):
        where = filters(**combined(all_asked)).conditions
        pages = asyncio.run(walked(store_url, where, field, 7))
        assert [run_id for page in pages for run_id in page] == expected(runs, all_asked, field)


OUR_SQL = "".join(path.read_text() for path in folder("sql").rglob("*.sql"))


async def test_a_typed_name_never_becomes_sql(db: asyncpg.Connection) -> None:
    await store(db, [make_record()])

    @settings(max_examples=tries(60, 300), deadline=None)
    @given(st.text(max_size=40), st.sampled_from(list(COMPARE)), st.text(max_size=40))
    def check(name: str, sign: str, value: str) -> None:
        for option_name in ("metrics", "parameters"):
            try:
                asked_for: Any = {option_name: [f"{name}{sign}{value}"]}
                where = filters(**asked_for).conditions
            except UsageError:
                continue
            for condition in where:
                words = set(models.RECORD_FIELDS)
                if name not in words and len(name) > 3 and name not in OUR_SQL:
                    assert name not in condition.text

    check()
    for hostile in ("sharpe_ratio; DROP TABLE backtest_runs", "1=1 OR m.sharpe_ratio", "m.run_id"):
        with pytest.raises(UsageError, match="no metric"):
            filters(metrics=[f"{hostile}>1"])
    assert len(await listing.page(db, listing.Listing(), 10)) == 1


@settings(max_examples=tries(20, 60), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=30), st.text(max_size=30))
def test_hostile_parameters_are_values_or_refused(store_url: str, name: str, value: str) -> None:
    try:
        where = filters(parameters=[f"{name}={value}"], strategy=value, tags=[name]).conditions
    except StoreError:
        return
    assert asyncio.run(walked(store_url, where, "started_at", 5)) == [[]]
