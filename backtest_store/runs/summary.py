"""Groups of runs: how many there are, how many failed, how well they did by a metric."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import localcontext
from statistics import median
from typing import Any

from backtest_store.errors import UsageError
from backtest_store.runs.expressions.where import Subject, subject_of
from backtest_store.runs.selectors import require_one_currency
from backtest_store.statistics.metric_values import ARITHMETIC
from backtest_store.store import queries, sql
from backtest_store.store.record_fields import LISTED, SQL_NAMES, known
from backtest_store.store.sql import Condition, Db, Key

SPANS = ("day", "week", "month")
MOST_KEYS = 8


@dataclass(frozen=True)
class Group:
    """Runs that have something in common, in the order that was asked for.

    `reproductions` were made of them, or of others; nothing else counts these. `best`, `median`
    and `worst` tell how the successful did by a metric; `last_run` when the newest began.
    """

    keys: tuple[Any, ...]
    runs: int
    failures: int
    reproductions: int
    best: Any
    median: Any
    worst: Any
    last_run: datetime


async def summary(
    db: Db,
    by: Sequence[str],
    metric: str = "sharpe_ratio",
    where: Sequence[Condition] = (),
) -> list[Group]:
    """Return runs in groups, those with the best median first and without one last.

    UsageError if amounts in several currencies would be summed up together.
    """
    keys = [key_of(name) for name in by]
    if "currency" not in by:
        counted = sql.condition("status", "success"), sql.condition("original")
        await require_one_currency(db, metric, (*where, *counted))
    rows = await queries.summary(db, keys=keys, metric=metric, where=where)
    groups = [_group(row, keys) for row in rows]
    return sorted(groups, key=_by_median)


def _by_median(group: Group) -> tuple[bool, float, list[str]]:
    return group.median is None, -(group.median or 0), list(map(str, group.keys))


def _group(row: Sequence[Any], keys: Sequence[Key]) -> Group:
    found, (runs, failures, reproductions, last_run, figures) = row[: len(keys)], row[len(keys) :]
    values = (
        json.loads(value) if key.is_json and value is not None else value
        for key, value in zip(keys, found, strict=True)
    )
    known = sorted(figures or ())
    with localcontext(ARITHMETIC):  # not the caller's, which may have three digits
        best, middle, worst = (known[-1], median(known), known[0]) if known else (None, None, None)
    return Group(
        tuple(values), runs, failures, reproductions, best, middle, worst, sql.possible(last_run)
    )


def subject_of_key(name: str) -> Subject:
    """Return what a name to group by means, a span of time being itself."""
    if name in SPANS:
        return Subject(name)
    field, path = subject_of(tuple(name.split(".")))
    return Subject("batch_name" if field == "batch" else field, path)


def name_of(name: str) -> str:
    """Return what a column of such keys is called: a parameter has its prefix."""
    field, path = subject_of_key(name)
    return ".".join((field, *path))


def key_of(name: str) -> Key:
    """Return what SQL groups by under the name of a field, a parameter, or day, week or month."""
    field, path = subject_of_key(name)
    if field in SPANS:
        return sql.key("span", name)
    if path and all(path):
        return sql.key("document", path, field=SQL_NAMES[field])
    if not name.strip() or path:
        raise UsageError(
            f"{name!r} is neither a field nor a parameter",
            hint="write --by strategy,parameters.fast_period",
        )
    return sql.key("field", field=SQL_NAMES[known(field, LISTED, "field to group by")])


async def strategies(db: Db, where: Sequence[Condition] = ()) -> list[Group]:
    """Sum up each strategy on each of its instruments, what ran last first."""
    groups = await summary(db, ["strategy", "instrument_ids"], where=where)
    by_name = sorted(groups, key=lambda group: group.keys)
    return sorted(by_name, key=lambda group: group.last_run, reverse=True)


async def trend(db: Db, span: str, where: Sequence[Condition] = ()) -> list[tuple[Group, Group]]:
    """Sum up runs by the day, week or month in which they began, oldest first.

    Of each there are two groups: by Sharpe ratio, and by return.
    """
    by_return = {g.keys: g for g in await summary(db, [span], "total_return", where)}
    by_ratio = await summary(db, [span], "sharpe_ratio", where)
    return [(g, by_return[g.keys]) for g in sorted(by_ratio, key=lambda group: group.keys)]
