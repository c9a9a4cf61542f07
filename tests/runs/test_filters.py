"""What is typed after --param, --metric, --since and --until is understood, or refused in words."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtest_store.errors import UsageError
from backtest_store.runs import listing
from backtest_store.runs.expressions.typed_values import parse_end_time, parse_time
from backtest_store.runs.filters import filters
from backtest_store.runs.listing import Listing
from backtest_store.store.record_fields import COMPARABLE_METRICS
from tests.factories import make_record, store

DAY = datetime(2024, 1, 31, tzinfo=UTC)
# What PostgreSQL's jsonb can hold: no NUL, no halves of characters, no infinity.
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(-1e300, 1e300) | TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)
NAMES = st.text(alphabet="abcdefgh_ ", min_size=1, max_size=8).map(str.strip).filter(bool)


async def count(db: asyncpg.Connection, **asked: Any) -> int:
    return len(await listing.page(db, Listing(filters(**asked).conditions), 10))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2024-01-31", DAY),
        ("20240131", DAY),
        ("2024-01-31T12:30", DAY + timedelta(hours=12.5)),
        ("2024-01-31 12:30Z", DAY + timedelta(hours=12.5)),
        ("2024-01-31T01:00+02:00", DAY - timedelta(hours=1)),
    ],
)
def test_a_time_is_in_utc_unless_it_says_otherwise(typed: str, meant: datetime) -> None:
    assert parse_time(typed) == meant


@pytest.mark.parametrize(("typed", "age"), [("12h", 0.5), ("7d", 7), ("2w", 14), ("0d", 0)])
def test_an_age_counts_back_from_now(typed: str, age: float) -> None:
    assert abs(datetime.now(UTC) - timedelta(days=age) - parse_time(typed)) < timedelta(seconds=10)


def test_until_a_day_includes_it_and_until_a_moment_includes_that() -> None:
    assert parse_end_time("2024-01-31") == DAY + timedelta(days=1)
    assert parse_end_time("2024-01-31T00:00") == DAY + timedelta(microseconds=1)


@pytest.mark.parametrize(
    "typed", ["", "soon", "2024-13-01", "7 years", "31.01.2024", "-7d", "9" * 9, "999999w"]
)
@pytest.mark.parametrize("option", ["since", "until"])
def test_what_is_no_time_is_refused(option: str, typed: str) -> None:
    asked: Any = {option: typed}
    with pytest.raises(UsageError, match="is not a time"):
        filters(**asked)


def test_a_time_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(UsageError):
        parse_end_time("9999-12-31")


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(path=st.lists(NAMES, min_size=1, max_size=3), value=VALUES)
async def test_a_parameter_equals_what_was_stored(
    db: asyncpg.Connection, path: list[str], value: Any
) -> None:
    parameters = value
    for name in reversed(path):
        parameters = {name: parameters}
    transaction = db.transaction()
    await transaction.start()
    await store(db, [make_record(parameters=parameters), make_record(parameters={})])
    typed = ".".join(path) + "=" + json.dumps(value, ensure_ascii=False)
    assert await count(db, parameters=[typed]) == 1
    await transaction.rollback()


TYPED = {
    "n=10": True,
    "n = 1e1": True,
    "n==10": True,
    "n=10.00": True,
    'n="10"': False,
    "n>9": True,
    "n>=10": True,
    "n<10": False,
    "n!=10": False,
    "n!=11": True,
    "s=10": True,
    's="10"': True,
    "s>9": True,
    "s>=10.5": False,
    "s!=10": False,
    "s!=11": True,
    "n>.5": True,
    "n=1000%": True,
    "n=+10.": True,
    "flag=True": True,
    "none=None": True,
    "size>=10": True,
    "size=500": True,
    "size=500.01": False,
    "size<1000": True,
    "zero=0": True,
    "tiny=0.0000000000000001": True,
    "word=fast": True,
    'word="fast"': True,
    "word>fas": True,
    "word=fas": False,
    "flag=true": True,
    'flag="true"': False,
    "flag!=false": True,
    "none=null": True,
    "none!=1": False,
    "absent!=1": False,
    "absent=null": False,
    "deep.er.n<2.6": True,
    "deep.er.n=2.50": True,
    "deep.er=2.5": False,
    'deep={"er": {"n": 2.5}}': True,
    "deep={}": False,
    "list=[1, 2]": True,
    "list=[1]": False,
    "list!=5": True,
    "list!=[1, 2]": False,
    "empty!=5": True,
    "none!=null": False,
    "list.1=2": True,
    "list.1>1": True,
}


async def test_a_parameter_that_is_null_is_one_that_a_run_does_not_have(
    db: asyncpg.Connection,
) -> None:
    runs = [make_record(parameters=each) for each in ({}, {"n": None}, {"n": 2})]
    await store(db, runs)
    assert await count(db, parameters=["n!=1"]) == await count(db, where="n != 1") == 1
    assert await count(db, where="not (n == 1)") == 3


async def test_parameters_have_json_s_types(db: asyncpg.Connection) -> None:
    parameters = {
        "n": 10,
        "s": "10",
        "size": "500.00",
        "zero": "-0.0",
        "tiny": "0.0000000000000001",
        "word": "fast",
        "flag": True,
        "none": None,
        "deep": {"er": {"n": 2.5}},
        "list": [1, 2],
        "empty": [],
    }
    await store(db, [make_record(parameters=parameters)])
    assert {typed: bool(await count(db, parameters=[typed])) for typed in TYPED} == TYPED


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "=",
        "n",
        "n=>1",
        "n<>1",
        "=5",
        "n~1",
        "n>true",
        "n>True",
        "n<null",
        "n>[1]",
        "n=1e999999",
        "n=\0",
    ],
)
def test_a_comparison_that_makes_no_sense_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        filters(parameters=[typed])


@pytest.mark.parametrize("text", ["a\0b", "\udcff"])
@pytest.mark.parametrize("option", ["strategy", "strategy_type", "instrument", "status"])
def test_bytes_that_are_no_text_are_refused(option: str, text: str) -> None:
    asked: Any = {option: text}
    with pytest.raises(UsageError, match="has a NUL, or bytes that are not UTF-8"):
        filters(**asked)


async def test_every_metric_can_be_compared(db: asyncpg.Connection) -> None:
    run = make_record()
    await store(db, [run, make_record(status="failed")])
    for metric, sign in product(COMPARABLE_METRICS, ("=", "!=", "<", "<=", ">", ">=")):
        typed = f"{metric}{sign}{getattr(run, metric)}"
        assert await count(db, metrics=[typed]) == (sign in {"=", "<=", ">="}), typed


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("max_drawdown>-10%", -0.1),
        ("sharpe_ratio<1e0", 1.0),
        ("net_profit=0.10", Decimal("0.10")),
        ("total_trades>=1e2", Decimal(100)),
        ("total_trades>2.5", Decimal("2.5")),
        ("total_trades<99999999999999999999", Decimal(99999999999999999999)),
        ("sharpe_ratio>10%", 0.1),
    ],
)
def test_a_metric_s_value_is_exact(typed: str, value: object) -> None:
    (condition,) = filters(metrics=[typed]).conditions
    assert condition.values == (value,)
    assert type(condition.values[0]) is type(value)
    (same,) = filters(where=typed.replace("=0", "==0")).conditions
    assert (same.text.strip("()"), same.values) == (condition.text, condition.values)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("sharpe_ratio>nan", "a number"),
        ("sharpe_ratio>sNaN", "a number"),
        ("sharpe_ratio>1e400", "a number"),
        ("sharpe_ratio>", "a number"),
        ("total_trades>True", "a number"),
        ("net_profit>Infinity", "a number"),
        ("net_profit>1e99999", "a number"),
        ("max_drawdown_date>yesterday", "a date"),
        ("engine_stats=1", "no metric"),
        ("run_id=1", "no metric"),
    ],
)
def test_a_value_that_a_metric_cannot_have_is_refused(typed: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        filters(metrics=[typed])


@pytest.mark.parametrize(
    "user",
    ["ann", "me@corp", "DESK\\ann", "100%", "%s", 'a "b"', "münch", str(UUID(int=7)), "1234"],
)
async def test_an_author_of_any_name_is_found(db: asyncpg.Connection, user: str) -> None:
    mine = make_record(provenance={"user": user, "host": "desk", "seed": 1})
    other = make_record(provenance={"user": f"{user}x", "host": "desk", "seed": 2})
    await store(db, [mine, other, make_record(provenance={})])
    for author in (user, f"{user}@desk"):
        found = await listing.page(db, Listing(filters(author=[author]).conditions), 10)
        assert [run.run_id for run in found] == [mine.run_id], author
    assert await count(db, author=[f"{user}@lap"]) == 0
