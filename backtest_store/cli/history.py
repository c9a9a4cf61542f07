"""`btstore history`: the newest runs, or the best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from backtest_store.cli import completion
from backtest_store.cli.options import Format, FormatOption, filtered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from asyncpg import Connection

    from backtest_store.filters import Filters
    from backtest_store.listing import Listing
    from backtest_store.models import Record
    from backtest_store.sql import Row

NEEDED = (
    "run_id",
    "strategy_name",
    "sharpe_ratio",
    "total_return",
    "started_at",
    "status",
    "max_drawdown",
    "instrument_ids",
    "total_trades",
    "parameters",
    "win_rate",
    "profit_factor",
    "net_profit",
    "currency",
    "tags",
    "start_date",
    "end_date",
    "sortino_ratio",
    "cagr",
    "duration_seconds",
)
NO_RUNS = "no runs yet: `btstore demo` makes the first, `btstore run CONFIG` your own"
NO_MATCH = "no run matches"


@filtered
def history(
    *,
    filters: Filters,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many runs.")] = 20,
    all_: Annotated[bool, typer.Option("--all", help="Every run, as it comes.")] = False,
    sort: Annotated[
        str,
        typer.Option(
            metavar="FIELD",
            help="Rank by this field: a metric has its best first, what is undefined comes last.",
            autocompletion=completion.sortable,
        ),
    ] = "started_at",
    after: Annotated[
        str | None, typer.Option(metavar="RUN", help="Begin after this run of the same list.")
    ] = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """List runs: the newest, or the best by a metric."""
    from backtest_store.cli import render
    from backtest_store.fields import SORTABLE, known
    from backtest_store.listing import Listing

    listing = Listing(filters.conditions, known(sort, SORTABLE, "field"))
    shown = (*NEEDED[:2], sort, *filters.metrics, *NEEDED[2:])
    nothing = NO_MATCH if filters.conditions or after else NO_RUNS
    if all_:
        render.write(render.Sheet(render.LISTED, _every(listing, after), shown), format_, nothing)
        return
    runs = _page(listing, after, limit + 1)
    render.many(runs[:limit], format_, shown=shown, nothing=nothing)
    if len(runs) > limit:
        typer.echo(f"there are more: --after {runs[limit - 1].run_id}", err=True)


def _page(listing: Listing, after: str | None, limit: int) -> list[Record]:
    from backtest_store import listing as listings
    from backtest_store.database.connection import call

    async def page(db: Connection) -> list[Record]:
        return await listings.page(db, await listings.after(db, listing, after), limit)

    return call(page)


def _every(listing: Listing, after: str | None) -> Iterator[Row]:
    """Yield every run as text, in constant memory."""
    from backtest_store import listing as listings
    from backtest_store.database.streaming import stream

    async def rows(db: Connection) -> AsyncIterator[list[Row]]:
        async for some in listings.rows(db, await listings.after(db, listing, after)):
            yield some

    return stream(rows)
