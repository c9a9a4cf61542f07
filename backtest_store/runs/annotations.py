"""What people say of runs afterwards, and which runs they let go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack
from uuid import UUID

from backtest_store.errors import UsageError
from backtest_store.runs import listing as listings
from backtest_store.runs.expressions.asked_filters import EVERY_RUN, Filters
from backtest_store.runs.expressions.typed_values import plain_text
from backtest_store.runs.listing import Listing
from backtest_store.runs.selectors import require_one_currency, resolve_ids
from backtest_store.runs.unknown_names import require_known_names
from backtest_store.store import queries, sql
from backtest_store.store.sql import Db


class Changes(TypedDict, total=False):
    """What is said of runs; what is left out, or None, stays as it is."""

    add: Sequence[str]
    remove: Sequence[str]
    note: str | None
    starred: bool | None
    name: str | None


async def annotate(
    db: Db, runs: Sequence[str], asked: Filters = EVERY_RUN, **changes: Unpack[Changes]
) -> list[UUID]:
    """Change what is said of runs that selectors mean among filtered ones, and return their ids."""
    tags = (*changes.get("add", ()), *changes.get("remove", ()))
    for text in (*tags, changes.get("note") or "", changes.get("name") or ""):
        plain_text(text)
    if not all(tags):
        raise UsageError("a tag is empty", hint="write +good to add a tag, -junk to remove one")
    await require_known_names(db, asked)
    ids = await resolve_ids(db, runs, asked.conditions)
    return await queries.annotate_runs(db, run_ids=ids, **changes)


async def choose_ids(
    db: Db,
    runs: Sequence[str],
    asked: Filters,
    *,
    keep_best: int = 0,
    by: str = "sharpe_ratio",
) -> list[UUID]:
    """Return the ids of runs that filters match or selectors mean, but for some of the best."""
    await require_known_names(db, asked)
    where = asked.conditions
    if runs:
        ids = await resolve_ids(db, runs, where)
        where = (*where, sql.condition("one_of", ids))
    found = await listings.ids(db, Listing(where, reproductions=True))
    if not keep_best:
        return found
    await require_one_currency(db, by, where)
    best = await listings.page(db, Listing(where, by), keep_best)
    kept = {run.run_id for run in best if getattr(run, by) is not None}
    return [run_id for run_id in found if run_id not in kept]
