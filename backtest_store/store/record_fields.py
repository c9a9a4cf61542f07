"""The fields that runs can be filtered and ranked by, and what SQL calls them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from backtest_store.errors import UsageError
from backtest_store.models import METRIC_FIELDS, PERIOD_FIELDS, RUN_FIELDS, UNLISTED, Record
from backtest_store.suggestions import suggestion

ORDERED_DOWN = frozenset({"bool", "int", "float", "Decimal", "date", "datetime"})
MANY_VALUED = ("Json", "list[str]")
OPTIONAL = " | None"
TYPES = {f.name: str(f.type).removesuffix(OPTIONAL) for f in fields(Record)}
REQUIRED = frozenset(f.name for f in fields(Record) if not str(f.type).endswith(OPTIONAL))
COPIED_TO_RUNS = frozenset({"total_return", "sharpe_ratio", "max_drawdown"})
SQL_NAMES = {name: f"{'r' if name in COPIED_TO_RUNS else 'm'}.{name}" for name in METRIC_FIELDS}
SQL_NAMES |= {name: f"p.{name}" for name in PERIOD_FIELDS}
SQL_NAMES |= {name: f"r.{name}" for name in RUN_FIELDS}
# What is said of a run of which nobody said anything.
SQL_NAMES |= {"tags": "coalesce(a.tags, '{}')", "starred": "coalesce(a.starred, false)"}
SQL_NAMES |= {"note": "a.note", "name": "a.name"}
# Stored without what they have in common with others.
PACKED = ("config_snapshot", "provenance", "engine_stats")
SQL_NAMES |= {name: f"unpacked({SQL_NAMES[name]})" for name in PACKED}
# In single precision: of these, PostgreSQL writes the shortest decimals, which are then read.
SHORTEST = {
    name: f"{SQL_NAMES[name]}::text::float8[]"
    for name in ("period_returns", "period_means", "period_deviations")
}
INDEXED_ORDERS = frozenset({"started_at", *COPIED_TO_RUNS})
UNINDEXED_METRICS = METRIC_FIELDS.keys() - COPIED_TO_RUNS
UP, DOWN, DOWN_AND_UNDEFINED = "ASC", "DESC", "DESC NULLS LAST"
LISTED = tuple(name for name in TYPES if name not in UNLISTED)
SORTABLE = tuple(name for name in LISTED if TYPES[name] not in MANY_VALUED)
COMPARABLE_METRICS = tuple(name for name in METRIC_FIELDS if name in SORTABLE)
RANKED_METRICS = tuple(name for name in COMPARABLE_METRICS if TYPES[name] in ORDERED_DOWN)

MONEY = frozenset(name for name, type_ in TYPES.items() if type_ == "Decimal")
QUALITIES = tuple(name for name in RANKED_METRICS if METRIC_FIELDS[name]["best"])


def ascends(field: str) -> bool:
    """Say whether a field is listed upwards, as an alphabet is; numbers and times go down."""
    return TYPES[field] not in ORDERED_DOWN


def direction(field: str) -> str:
    """Return the order that puts the best first and the undefined last."""
    if ascends(field):
        return UP
    return DOWN if field in REQUIRED else DOWN_AND_UNDEFINED


def known(name: str, among: Iterable[str], what: str) -> str:
    """Return the name if it is one of those.

    Raises
    ------
    UsageError
        If it is not, with the nearest one.
    """
    names = list(among)
    if name in names:
        return name
    raise UsageError(f"there is no {what} {name!r}", hint=suggestion(name, names))
