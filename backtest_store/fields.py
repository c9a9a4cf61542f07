"""The fields that runs can be filtered and ranked by, and what SQL calls them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from backtest_store.errors import UsageError
from backtest_store.models import METRIC_FIELDS, RUN_FIELDS, UNLISTED, Record

MANY_VALUED = ("Json", "list[str]")
OPTIONAL = " | None"
TYPES = {f.name: str(f.type).removesuffix(OPTIONAL) for f in fields(Record)}
REQUIRED = frozenset(f.name for f in fields(Record) if not str(f.type).endswith(OPTIONAL))
SQL_NAMES = {name: f"r.{name}" for name in RUN_FIELDS} | {name: f"m.{name}" for name in METRIC_FIELDS}
LISTED = tuple(name for name in TYPES if name not in UNLISTED)
LISTED_METRICS = ", ".join(SQL_NAMES[name] for name in METRIC_FIELDS if name in LISTED)
LISTED_RUN = ", ".join(SQL_NAMES[name] for name in RUN_FIELDS if name in LISTED)
SORTABLE = tuple(name for name in LISTED if TYPES[name] not in MANY_VALUED)
COMPARABLE_METRICS = tuple(name for name in METRIC_FIELDS if name in SORTABLE)
RANKED_METRICS = tuple(name for name in COMPARABLE_METRICS if TYPES[name] != "EquityBasis")


def direction(field: str) -> str:
    """Return the order that puts the best first: SQL's ASC or DESC."""
    best = METRIC_FIELDS.get(field, {}).get("best")
    if best is not None:
        return "ASC" if best == "lowest" else "DESC"
    return "DESC" if TYPES[field] in {"int", "float", "Decimal", "date", "datetime"} else "ASC"


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


def suggestion(name: str, among: list[str]) -> str:
    """Return a hint at the nearest of some names, or at all of them."""
    from difflib import get_close_matches

    nearest = get_close_matches(name.lower(), among, n=1)
    return f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(among)}"
