"""What people say of runs afterwards, and which runs they let go."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from backtest_store.errors import UsageError
from backtest_store.models import RECORD_FIELDS
from backtest_store.runs import listing as listings
from backtest_store.runs.expressions.typed_values import plain_text
from backtest_store.runs.listing import Listing
from backtest_store.runs.selectors import resolve_ids
from backtest_store.store import queries, sql
from backtest_store.store.sql import Condition, Db
from backtest_store.suggestions import suggestion

RUNS_LOOKED_AT = 10_000  # for the names of their parameters


async def annotate(  # noqa: PLR0913 - each is said by itself
    db: Db,
    runs: Sequence[str],
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    note: str | None = None,
    starred: bool | None = None,
    name: str | None = None,
) -> list[UUID]:
    """Change what is said of runs, and return their ids; None leaves a part as it is.

    Parameters
    ----------
    db : Db
        A connection of the store that may write.
    runs : sequence of str
        Selectors.
    add, remove : sequence of str
        Tags.
    note : str, optional
        A remark; empty for none.
    starred : bool, optional
        Whether it is one to come back to.
    name : str, optional
        What lists call the run in place of its strategy; empty for that again.

    Raises
    ------
    UsageError
        If a tag is empty, or a text is none that PostgreSQL can hold.
    RunNotFoundError
        If no run, or more than one, answers to a selector.
    """
    for text in (*add, *remove, note or "", name or ""):
        plain_text(text)
    if not all((*add, *remove)):
        raise UsageError("a tag is empty", hint="write +good to add a tag, -junk to remove one")
    ids = await resolve_ids(db, runs)
    return await queries.annotate_runs(
        db, run_ids=ids, add=add, remove=remove, note=note, starred=starred, name=name
    )


async def chosen(  # noqa: PLR0913 - each is asked for by itself
    db: Db,
    runs: Sequence[str],
    where: Sequence[Condition],
    *,
    parameters: Sequence[str] = (),
    keep_best: int = 0,
    by: str = "sharpe_ratio",
) -> list[UUID]:
    """Return the ids of runs that meet conditions, all or those that selectors mean.

    Parameters
    ----------
    parameters : sequence of str
        What the conditions name: a mistyped one must not choose all runs by `not` or `or`.
    keep_best : int
        Leave out so many, the best ones by a metric.
    by : str
        That metric.

    Raises
    ------
    UsageError
        If no run has one of the parameters.
    """
    await _require_known(db, parameters)
    if runs:
        ids = await resolve_ids(db, runs, where)
        where = [*where, sql.condition("one_of", ids)]
    found = await queries.run_ids(db, where=where)
    if not keep_best:
        return found
    best = await listings.page(db, Listing(tuple(where), by), keep_best)
    kept = {run.run_id for run in best if getattr(run, by) is not None}
    return [run_id for run_id in found if run_id not in kept]


async def _require_known(db: Db, parameters: Sequence[str]) -> None:
    known = await queries.parameter_names(db, newest=RUNS_LOOKED_AT) if parameters else []
    for name in parameters:
        if name.partition(".")[0] not in known:
            hint = suggestion(name, [*known, *RECORD_FIELDS])
            raise UsageError(f"no run has a parameter {name!r}; nothing changed", hint=hint)
