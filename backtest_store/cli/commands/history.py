"""`btstore history`: the newest runs, or the best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from backtest_store.cli import completion
from backtest_store.cli.options import (
    NO_MATCH,
    FormatOption,
    examples,
    no_runs_message,
    with_filters,
)
from backtest_store.cli.output.formats.format_list import Format
from backtest_store.cli.output.streams import print_message
from backtest_store.runs.expressions.asked_filters import Filters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Connection

    from backtest_store.cli.output.run_lists import RunPrinter
    from backtest_store.models import Record
    from backtest_store.runs.listing import Listing

DEFAULT_LIMIT = 20
EXAMPLES = examples(
    'btstore history --sort sharpe_ratio --metric "max_drawdown>-10%"',
    "btstore history --while 2008-01..2009-03 --sort total_return",
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


ColumnsOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,…",
        help="Only these: fields, and inputs such as fast_period or venues.0.default_leverage.",
        autocompletion=completion.columns,
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
    columns: ColumnsOption = None,
    while_: Annotated[
        str | None,
        typer.Option(
            "--while",
            metavar="FROM..TO",
            help="Return, Sharpe ratio and drawdown of whole months, such as 2008-01..2009-03.",
        ),
    ] = None,
    reproductions: Annotated[
        bool, typer.Option("--reproductions", help="List reproductions of runs, too.")
    ] = False,
    format_: FormatOption = Format.TABLE,
) -> None:
    """List runs: the newest, or the best by a metric, by what sets them apart."""
    from backtest_store.cli.spinner import read
    from backtest_store.errors import UsageError
    from backtest_store.runs.listing import OVER_MONTHS, Listing
    from backtest_store.store.record_fields import SORTABLE, known

    listing = Listing(
        filters.conditions, known(sort, SORTABLE, "field"), reproductions=reproductions
    )
    if all_ and limit is not None:
        raise UsageError("use --all or --limit, not both")
    about = (*((sort,) if sort != Listing().order_by else ()), *filters.metrics)
    printer = _printer(about, columns, format_, while_)
    if while_ is not None:
        if all_ or after is not None or reproductions or sort not in OVER_MONTHS:
            ranks = ", ".join(OVER_MONTHS)
            raise UsageError(f"--while takes --limit, filters and --sort by {ranks}")
        found = _print_months(filters, listing, while_, limit or DEFAULT_LIMIT, printer)
    elif all_:
        found = read(lambda db: _print_every(db, listing, after, printer), filters)
    else:
        found = _print_first(filters, listing, after, limit or DEFAULT_LIMIT, printer)
    if not found:
        print_message(NO_MATCH if after or while_ else no_runs_message(filters))


def _printer(
    about: Sequence[str], columns: str | None, format_: Format, months: str | None
) -> RunPrinter:
    from backtest_store.cli.output.run_lists import RunPrinter
    from backtest_store.errors import UsageError
    from backtest_store.models import METRIC_FIELDS
    from backtest_store.runs.listing import OVER_MONTHS

    names = None if columns is None else [name.strip() for name in columns.split(",")]
    # Beside figures of some months, those of the whole run would be taken for theirs.
    whole = () if months is None else {*METRIC_FIELDS, "equity"} - {*OVER_MONTHS}
    if mixed := next((name for name in names or () if name in whole), None):
        raise UsageError(f"{mixed} is of whole runs, which --while does not show")
    return RunPrinter(format_, about, names, whole, months)


def _print_months(
    filters: Filters, listing: Listing, span: str, limit: int, printer: RunPrinter
) -> bool:
    """Print what runs did over some months, and return whether any covers them."""
    from backtest_store.cli.output.run_lists import tell_of_bases
    from backtest_store.cli.spinner import read
    from backtest_store.runs import listing as listings
    from backtest_store.runs.expressions.typed_values import span_of_months

    months = span_of_months(span)
    runs = read(lambda db: listings.over_months(db, listing, months, limit), filters)
    printer.print(runs)
    printer.close()
    tell_of_bases(runs, listing.order_by)
    from_to = f"{months[0]:%Y-%m} to {months[1]:%Y-%m}"
    what = "return, Sharpe ratio and drawdown"
    print_message(f"note: {what} are of {from_to}; runs that do not cover it are left out")
    return bool(runs)


def _print_first(
    filters: Filters, listing: Listing, after: str | None, limit: int, printer: RunPrinter
) -> bool:
    """Print the first runs, say whether there are more, and return whether there are any."""
    from backtest_store.cli.output.cells import short_ids
    from backtest_store.cli.output.run_lists import tell_of_bases
    from backtest_store.cli.spinner import read
    from backtest_store.runs import listing as listings
    from backtest_store.runs import selectors

    async def page(db: Connection) -> tuple[list[Record], int | None]:
        begun = await selectors.begin(db, listing, after)
        runs = await listings.page(db, begun, limit + 1, printer.fields)
        return runs, await listings.count(db, listing) if len(runs) > limit else None

    runs, count = read(page, filters)
    printer.print(runs[:limit])
    printer.close()
    tell_of_bases(runs[:limit], listing.order_by)
    if count is not None:
        last = short_ids([str(run.run_id) for run in runs])[str(runs[limit - 1].run_id)]
        most = listings.MOST_COUNTED
        every = f"{count:,}" if count <= most else f"more than {most:,}"
        more = " more" if after else ""
        print_message(f"{limit:,}{more} of {every} runs. Next page: add --after {last}")
    return bool(runs)


async def _print_every(
    db: Connection, listing: Listing, after: str | None, printer: RunPrinter
) -> bool:
    """Print every run in constant memory, and return whether there are any."""
    from backtest_store.runs import listing as listings
    from backtest_store.runs import selectors
    from backtest_store.store import queries
    from backtest_store.store.record_fields import LISTED

    found, place = False, LISTED.index("run_id")
    async for rows in listings.every(db, await selectors.begin(db, listing, after)):
        found = True
        if len(printer.fields) > len(LISTED):
            ids = [row[place] for row in rows]
            printer.print(await queries.get_runs(db, run_ids=ids, fields=printer.fields))
        else:
            printer.print_listed(rows)
    printer.close()
    return found
