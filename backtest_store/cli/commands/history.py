"""`btstore history`: the newest runs, or the best."""

from typing import TYPE_CHECKING, Annotated

import typer

from backtest_store.cli import completion
from backtest_store.cli.options import (
    NO_MATCH,
    FormatOption,
    counted,
    examples,
    no_runs_message,
    with_filters,
)
from backtest_store.cli.output.streams import print_message
from backtest_store.cli.output.writers import Format
from backtest_store.runs.filters import Filters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncpg import Connection

    from backtest_store.models import Record
    from backtest_store.runs.listing import Listing

COLUMNS_BY_NEED = (
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
    "currency",
    "net_profit",
    "tags",
    "start_date",
    "end_date",
    "sortino_ratio",
    "cagr",
    "duration_seconds",
    "error_type",
    "error_message",
)
ERROR_COLUMNS = ("error_message",)
DEFAULT_LIMIT = 20
EXAMPLES = examples(
    'btstore history --sort sharpe_ratio --metric "max_drawdown>-10%"',
    "btstore history --all --since 30d --format csv > runs.csv",
)
LimitOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=1000,
        help=f"At most this many runs; {DEFAULT_LIMIT} if it is not given.",
    ),
]
AllOption = Annotated[bool, typer.Option("--all", help="Stream every matching run.")]
SortOption = Annotated[
    str,
    typer.Option(
        metavar="FIELD",
        help="Rank by this field: a metric has its best first, what is undefined comes last.",
        autocompletion=completion.sortable,
    ),
]
AfterOption = Annotated[
    str | None,
    typer.Option(
        metavar="RUN",
        help="Begin after this run of the same list.",
        autocompletion=completion.runs,
    ),
]


@with_filters()
def history(  # noqa: PLR0913 - each is an option
    *,
    filters: Filters,
    limit: LimitOption = None,
    all_: AllOption = False,
    sort: SortOption = "started_at",
    after: AfterOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """List runs: the newest, or the best by a metric."""
    from backtest_store.cli.spinner import call
    from backtest_store.errors import UsageError
    from backtest_store.runs.listing import Listing
    from backtest_store.store.fields import SORTABLE, known

    listing = Listing(filters.conditions, known(sort, SORTABLE, "field"))
    if all_ and limit is not None:
        raise UsageError("use --all or --limit, not both")
    about = (sort, *filters.metrics)
    if all_:
        found = call(lambda db: _print_every(db, listing, after, format_, about))
    else:
        found = _print_first(listing, after, limit or DEFAULT_LIMIT, format_, about)
    if not found:
        print_message(NO_MATCH if after else no_runs_message(filters))


def _shown(about: "Sequence[str]", statuses: "Iterable[object]") -> "Sequence[str]":
    """Return the columns for people: first what the list is about; if none succeeded, also why."""
    reasons = () if "success" in statuses else ERROR_COLUMNS
    return (*COLUMNS_BY_NEED[:2], *about, *reasons, *COLUMNS_BY_NEED[2:])


def _print_first(
    listing: "Listing", after: str | None, limit: int, format_: Format, about: "Sequence[str]"
) -> bool:
    """Print the first runs, say whether there are more, and return whether there are any."""
    from backtest_store.cli.output import render
    from backtest_store.cli.output.cells import short_ids
    from backtest_store.cli.spinner import call
    from backtest_store.runs import listing as listings
    from backtest_store.store import queries

    is_of_a_grid = any(condition.name == "batch" for condition in listing.where)

    async def page(db: "Connection") -> "list[Record]":
        runs = await listings.page(db, await listings.after(db, listing, after), limit + 1)
        return (
            await queries.get_runs(db, run_ids=[r.run_id for r in runs]) if is_of_a_grid else runs
        )

    runs = call(page)
    shown = _shown(about, [run.status for run in runs[:limit]])
    (render.grid if is_of_a_grid else render.many)(runs[:limit], format_, shown=shown)
    if len(runs) > limit:
        short = short_ids([str(run.run_id) for run in runs])
        last = short[str(runs[limit - 1].run_id)]
        print_message(f"first {counted(limit)}. Next page: add --after {last}")
    return bool(runs)


async def _print_every(
    db: "Connection",
    listing: "Listing",
    after: str | None,
    format_: Format,
    about: "Sequence[str]",
) -> bool:
    """Print every run in constant memory, and return whether there are any."""
    from backtest_store.cli.output.render import Printer
    from backtest_store.runs import listing as listings
    from backtest_store.store.fields import LISTED

    printer, status = None, LISTED.index("status")
    async for rows in listings.every(db, await listings.after(db, listing, after)):
        printer = printer or Printer(format_, shown=_shown(about, [row[status] for row in rows]))
        printer.print_listed(rows)
    (printer or Printer(format_, shown=_shown(about, ()))).close()
    return printer is not None
