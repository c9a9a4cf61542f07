"""`btstore history`: the newest runs, or the best."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from backtest_store.cli import completion
from backtest_store.cli.options import NO_MATCH, Format, FormatOption, examples, filtered, nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Connection

    from backtest_store.listing import Listing
    from backtest_store.models import Record
    from backtest_store.sql import Filters

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
EXAMPLES = examples(
    'btstore history --sort sharpe_ratio --strategy "SMA Crossover" --metric "max_drawdown>-10%"',
    "btstore history --all --since 30d --format csv > runs.csv",
)


class Output(NamedTuple):
    """How runs are printed, and what is said if there are none."""

    format: Format
    shown: "Sequence[str]"
    nothing: str


@filtered()
def history(  # noqa: PLR0913 - each is an option
    *,
    filters: "Filters",
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
    from backtest_store.cli.waiting import call
    from backtest_store.fields import SORTABLE, known
    from backtest_store.listing import Listing

    listing = Listing(filters.conditions, known(sort, SORTABLE, "field"))
    shown = (*NEEDED[:2], sort, *filters.metrics, *NEEDED[2:])
    none = NO_MATCH if after else nothing(filters)
    if all_:
        call(lambda db: _every(db, listing, after, Output(format_, shown, none)))
        return
    runs = call(lambda db: _page(db, listing, after, limit + 1))
    render.many(runs[:limit], format_, shown=shown, nothing=none)
    if len(runs) > limit:
        typer.echo(f"there are more: --after {runs[limit - 1].run_id}", err=True)


async def _page(
    db: "Connection", listing: "Listing", after: str | None, limit: int
) -> "list[Record]":
    from backtest_store import listing as listings

    return await listings.page(db, await listings.after(db, listing, after), limit)


async def _every(db: "Connection", listing: "Listing", after: str | None, output: Output) -> None:
    """Print every run in constant memory; for people in a table a page."""
    from backtest_store import listing as listings
    from backtest_store.cli import copying, render

    listing = await listings.after(db, listing, after)
    if output.format in copying.WRITERS:
        if not await copying.copy(db, listing, output.format):
            typer.echo(output.nothing, err=True)
        return
    async for page in listings.pages(db, listing):
        render.many(page, output.format, shown=output.shown, nothing=output.nothing)
