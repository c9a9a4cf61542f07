"""Whatever a configuration holds becomes JSON that PostgreSQL takes and that means the same."""

import json
import math
import sys
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from itertools import count
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import OmsType
from nautilus_trader.model.identifiers import InstrumentId, TraderId, Venue
from nautilus_trader.model.objects import Money, Price, Quantity

from backtest_store.capture.identity.json_values import CUT, MAX_NODES, canonical, is_whole, plain

BAR_TYPE = "AUD/USD.SIM-1-MINUTE-BID-EXTERNAL"


class Colour(Enum):
    """An enumeration of numbers and texts."""

    RED = 1
    BLUE = "blue"


@dataclass
class Point:
    """A dataclass."""

    x: float
    y: Any


class Odd:
    """An object that cannot describe itself."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Config(StrategyConfig, frozen=True):
    """A configuration with values of NautilusTrader's."""

    size: Decimal = Decimal("1.50")
    bar_type: BarType = BarType.from_str(BAR_TYPE)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (1.5, 1.5),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (Decimal("1.50"), "1.50"),
        (Decimal("NaN"), "NaN"),
        (Money(Decimal("10.50"), USD), "10.50 USD"),
        (Price(1.25, 5), "1.25000"),
        (Quantity(3, 1), "3.0"),
        (USD, "USD"),
        (BarType.from_str(BAR_TYPE), BAR_TYPE),
        (InstrumentId.from_str("AUD/USD.SIM"), "AUD/USD.SIM"),
        (Venue("SIM"), "SIM"),
        (TraderId("T-1"), "T-1"),
        (OmsType.NETTING, "NETTING"),
        (Colour.RED, "RED"),
        (Colour.BLUE, "blue"),
        (b"\x00\xff", {"base64": "AP8="}),
        (datetime(2024, 1, 2, 3, tzinfo=UTC), "2024-01-02T03:00:00+00:00"),
        (date(2024, 1, 2), "2024-01-02"),
        (pd.Timestamp("2024-01-02", tz="UTC"), "2024-01-02T00:00:00+00:00"),
        (timedelta(hours=1), "1:00:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("/a/b"), "/a/b"),
        ({3, 1, 2}, [1, 2, 3]),
        ((1, 2), [1, 2]),
        (deque([1]), [1]),
        (OrderedDict(a=1), {"a": 1}),
        (
            {1: "a", InstrumentId.from_str("A.B"): "b", None: "c"},
            {"1": "a", "A.B": "b", "null": "c"},
        ),
        (np.float64(1.5), 1.5),
        (np.int64(3), 3),
        (np.array([[1, 2]]), [[1, 2]]),
        (Bar, "nautilus_trader.model.data:Bar"),
        (Point(1.0, math.nan), {"x": 1.0, "y": "NaN"}),
        (math, "math"),
        ("a\x00b\ud800c", "a\ufffdb\ufffdc"),
        (10**30, 10**30),
        (Odd(), "<Odd>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_keeps_its_meaning(value: object, expected: object) -> None:
    assert plain(value) == expected


def test_configuration_becomes_its_fields() -> None:
    config = plain(Config(strategy_id=None))
    assert isinstance(config, dict)
    assert (config["size"], config["bar_type"]) == ("1.50", BAR_TYPE)


class Enumerated(StrategyConfig, frozen=True):
    """A configuration with enumerations."""

    side: OmsType | None = OmsType.HEDGING
    text: OmsType | str = OmsType.HEDGING


def test_enumerations_are_names_unless_a_configuration_must_be_read_again() -> None:
    named, parsed = plain(Enumerated()), plain(Enumerated(), parseable=True)
    assert isinstance(named, dict)
    assert isinstance(parsed, dict)
    assert (named["side"], named["text"]) == ("HEDGING", "HEDGING")
    assert (parsed["side"], parsed["text"]) == (2, "HEDGING")
    assert Enumerated.parse(json.dumps(parsed)).side == OmsType.HEDGING


def test_cycles_and_depths_end() -> None:
    cycle: dict[str, Any] = {"a": 1}
    cycle["self"] = cycle
    assert plain(cycle) == {"a": 1, "self": "<cycle>"}
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    assert CUT in json.dumps(plain(deep), ensure_ascii=False)
    wide = plain(list(range(MAX_NODES + 10)))
    assert isinstance(wide, list)
    assert wide[-1] == CUT
    heavy = plain(["x" * 900_000] * 100)
    assert len(json.dumps(heavy)) < 20_000_000
    assert len(json.dumps(plain(np.zeros(10**7)))) < 1_000
    huge = plain(10**5_000)
    assert isinstance(huge, str)
    assert len(json.dumps(plain("x" * 5_000_000))) < 1_100_000


def test_address_of_an_object_is_left_out() -> None:
    assert plain(object()) == plain(object())


@pytest.mark.parametrize("length", [3, 3000])
def test_an_array_of_objects_is_the_same_in_every_process(length: int) -> None:
    one, other = (np.array([object() for _ in range(length)]) for _ in range(2))
    assert plain(one) == plain(other)
    assert not is_whole(plain(one))


class Endless(Mapping[int, int]):
    """A mapping of all numbers."""

    def __getitem__(self, key: int) -> int:
        return key

    def __iter__(self) -> Iterator[int]:
        return count()

    def __len__(self) -> int:
        return sys.maxsize


@pytest.mark.timeout(30)
def test_a_mapping_without_an_end_is_cut() -> None:
    assert not is_whole(plain(Endless()))


def test_shared_value_is_no_cycle() -> None:
    shared = [1]
    assert plain([shared, shared]) == [[1], [1]]


def test_order_of_keys_does_not_count() -> None:
    assert canonical(plain({"b": 1, "a": 2})) == canonical(plain({"a": 2, "b": 1}))


texts = st.text(st.characters(codec=None), max_size=8)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**300, max_value=10**310),
    st.floats(),
    st.decimals(),
    texts,
    st.binary(max_size=8),
    st.datetimes(),
    st.timedeltas(),
    st.uuids(),
    st.complex_numbers(),
    st.fractions(),
    st.builds(object),
    st.builds(Odd),
    st.sampled_from([*OmsType, *Colour, USD, Money(1, USD), BarType.from_str(BAR_TYPE), Bar, math]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(texts, st.integers(), st.floats(), st.none()), inner, max_size=4),
        st.builds(Point, st.floats(), inner),
        st.tuples(inner, inner),
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def database(shared_url: str) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(shared_url, autocommit=True) as connection:
        yield connection


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values)
def test_postgresql_takes_whatever_comes_out(
    database: "psycopg.Connection[Any]", value: object
) -> None:
    text = json.dumps(plain(value), allow_nan=False)
    row = database.execute("SELECT %s::jsonb", (text,)).fetchone()
    assert row is not None
    assert _same(row[0], plain(value))


def _same(stored: object, value: object) -> bool:
    """Compare, as jsonb knows no negative zero and one kind of number."""
    if isinstance(value, dict) and isinstance(stored, dict):
        return value.keys() == stored.keys() and all(_same(stored[k], value[k]) for k in value)
    if isinstance(value, list) and isinstance(stored, list):
        return len(value) == len(stored) and all(
            _same(a, b) for a, b in zip(stored, value, strict=True)
        )
    if isinstance(value, float) and isinstance(stored, int | float):
        return float(stored) == value
    return stored == value
