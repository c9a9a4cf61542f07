"""Lists of runs: a column for each input that sets them apart, or those that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from backtest_store.cli.output import render
from backtest_store.cli.output.cells import RECORD_COLUMNS, Column
from backtest_store.cli.output.for_people import last_day, sampled, sparkline, titled
from backtest_store.cli.output.formats.format_list import FOR_PEOPLE, Format, Writer, writer_of
from backtest_store.cli.output.streams import StandardOutput, print_message
from backtest_store.errors import UsageError
from backtest_store.models import METRIC_FIELDS, RECORD_FIELDS, Record
from backtest_store.runs.changes.inputs import inputs_of, parameters_of, varying, varying_settings
from backtest_store.statistics.months import levels_of
from backtest_store.store.record_fields import LISTED
from backtest_store.suggestions import named_or_nearest, suggestion

# What a list for people shows, the most needed first; `parameters` stands for the inputs that vary.
BY_NEED = (
    "run_id",
    "strategy_name",
    "sharpe_ratio",
    "total_return",
    "parameters",
    "period_run",
    "max_drawdown",
    "started_at",
    "status",
    "instrument_ids",
    "total_trades",
    "equity",
    "win_rate",
    "profit_factor",
    "currency",
    "net_profit",
    "tags",
    "note",
    "sortino_ratio",
    "cagr",
    "duration_seconds",
    "error_type",
    "error_message",
)
# With the inputs, and the shape of equity.
PICTURED = (*LISTED, "config_snapshot", "provenance", "period_returns")
MOST_AT_ONCE = 3  # inputs that are more needed than the drawdown
BEFORE_METRICS = "instrument_ids"
MONTHS = "months"
EQUITY_BARS = 12
NUMBERS = (int, float)


def expanded(
    runs: Sequence[Record], columns: Sequence[Column], shown: Sequence[str]
) -> tuple[list[Column], list[list[Any]], list[str]]:
    """Return columns, rows and the order of need, with what sets runs apart for parameters."""
    extra = varying_settings(runs)
    inputs = [_input_column(name, values) for name, values in extra.items()]
    fields = [column for column in columns if column.name in shown and column.name != "parameters"]
    place = next((n + 1 for n, c in enumerate(fields) if c.name == BEFORE_METRICS), len(fields))
    drawn = {"period_run": _periods(runs), "equity": _equity_sparklines(runs)}
    period = Column("period_run", "drawing", "drawing", heading="period")
    equity = Column("equity", "drawing", "drawing")
    every = [*fields[:place], *inputs, period, *fields[place:], equity]
    values = extra | drawn
    rows = [
        [values[c.name][n] if c.name in values else _cell(run, c.name) for c in every]
        for n, run in enumerate(runs)
    ]
    return every, rows, _needed(shown, [*extra])


def with_parameters(
    records: Sequence[Any], columns: Sequence[Column], shown: Sequence[str]
) -> tuple[list[Column], list[list[Any]], list[str]]:
    """Return columns, rows and the order of need, with each parameter that varies for all."""
    extra = varying([parameters_of(record.parameters) for record in records])
    inputs = [_input_column(name, values) for name, values in extra.items()]
    place = [column.name for column in columns].index("parameters")
    every = [*columns[:place], *inputs, *columns[place + 1 :]]
    rows = [
        [extra[c.name][n] if c.name in extra else getattr(record, c.name) for c in every]
        for n, record in enumerate(records)
    ]
    need = shown.index("parameters")
    return every, rows, [*shown[:need], *extra, *shown[need + 1 :]]


def _cell(run: Record, name: str) -> Any:
    return titled(run) if name == "strategy_name" else getattr(run, name)


def _needed(shown: Sequence[str], inputs: Sequence[str]) -> list[str]:
    """Put inputs in the place of parameters, but not too many before what comes next."""
    place = shown.index("parameters")
    before, after = shown[:place], [*shown[place + 1 :]]
    some, rest = inputs[:MOST_AT_ONCE], inputs[MOST_AT_ONCE:]
    return [*before, *some, *after[:2], *rest, *after[2:]]


def _periods(runs: Sequence[Record]) -> list[str | None]:
    """Return the time that each run covers, if that is not the same for all."""
    spans = [(run.start_date, run.end_date and last_day(run.end_date)) for run in runs]
    distinct = len({span for span in spans if all(span)})  # a run that failed may have none
    if distinct < 2:  # noqa: PLR2004 - one time for all
        return [None] * len(runs)
    months, days = (
        [f"{s:{form}}→{e:{form}}" if s and e else None for s, e in spans]
        for form in ("%Y-%m", "%Y-%m-%d")
    )
    return months if len({m for m in months if m}) == distinct else days


def _equity_sparklines(runs: Sequence[Record]) -> list[str | None]:
    """Return the shape of each run's equity."""
    every = [levels_of(run) for run in runs]
    return [sparkline(sampled(levels, EQUITY_BARS)) if levels else None for levels in every]


def _input_column(name: str, values: Sequence[Any]) -> Column:
    """Return the column of an input, aligned as numbers if that is what it has."""
    known = [value for value in values if value is not None]
    are_numbers = all(isinstance(v, NUMBERS) and not isinstance(v, bool) for v in known)
    kind = "float" if known and are_numbers else "str"
    heading = name.rpartition(".")[2] if name.startswith("venues.") else name
    return Column(name, kind, "plain", heading=heading.removeprefix("parameters."))


def selected(
    names: Sequence[str], runs: Sequence[Record], months: str | None = None
) -> tuple[list[Column], Callable[[Sequence[Record]], list[list[Any]]]]:
    """Return the columns of those names, and what makes rows of runs; UsageError if one is unknown.

    A name is a field, or an input such as `venues.0.default_leverage` or `parameters.fast_period`,
    which goes by its bare name, too, if no field has that.
    """
    are_fields = all(name in RECORD_COLUMNS for name in names)
    more = {} if months is None else {MONTHS: months}

    def inputs(run: Record) -> dict[str, Any]:
        return more if are_fields else inputs_of(run) | more

    every = [inputs(run) for run in runs]
    known = dict.fromkeys(name for given in every for name in given)
    whole = [name if name in RECORD_COLUMNS else _input_name(name, known) for name in names]
    columns = [
        RECORD_COLUMNS.get(name) or _input_column(name, [given.get(name) for given in every])
        for name in whole
    ]

    def rows(some: Sequence[Record]) -> list[list[Any]]:
        found = ((run, inputs(run)) for run in some)
        return [
            [getattr(run, n) if n in RECORD_COLUMNS else given.get(n) for n in whole]
            for run, given in found
        ]

    return columns, rows


def _input_name(name: str, known: dict[str, None]) -> str:
    """Return the whole name of an input, however it was given."""
    short = name.replace(".config.", ".").removeprefix("config_snapshot.")
    for candidate in (short, f"parameters.{short}"):
        if candidate in known or not known:
            return candidate
    if name.startswith(("parameters.", "venues.")):  # as a script has it, whatever it is run on
        print_message(f"warning: no run here has {named_or_nearest(name, [*known])}")
        return short
    bare = (each.removeprefix("parameters.") for each in known)
    among = [*RECORD_COLUMNS, *(each for each in bare if " " not in each)]
    raise UsageError(f"there is no column {name!r}", hint=suggestion(name, among))


def tell_of_bases(runs: Sequence[Record], metric: str) -> None:
    """Say of runs that a metric ranks if their equity was not measured in one way."""
    if metric in METRIC_FIELDS and len({run.equity_basis for run in runs} - {None}) > 1:
        print_message(
            "note: runs are ranked here whose open positions are valued (equity_basis"
            " mark_to_market) beside runs where they are not (balance); one kind alone:"
            " --where \"equity_basis == 'balance'\""
        )


class RunPrinter:
    """Print runs, some at a time: the columns that are asked for, or those that people need.

    What the list is `about` comes first, and `without` is left out unless it is asked for. Of
    `months`, programs read all but `without`, too.
    """

    def __init__(
        self,
        format_: Format,
        about: Sequence[str] = (),
        names: Sequence[str] | None = None,
        without: Collection[str] = (),
        months: str | None = None,
    ) -> None:
        self._takes_listed = names is None and format_ not in FOR_PEOPLE and months is None
        if names is None and format_ not in FOR_PEOPLE:
            names = [name for name in LISTED if name not in without]
            if months is not None:
                names.insert(names.index("total_return"), MONTHS)
        self._format, self._about, self._names = format_, about, names
        self._without, self._months = without, months
        self._rows: Callable[[Sequence[Record]], list[list[Any]]] | None = None
        self._writer: Writer | None = None
        self.fields = self._fields()

    def _fields(self) -> Sequence[str]:
        """Return the fields of the runs that are to be printed."""
        if self._names is None:
            return PICTURED
        are_listed = all(n in LISTED or n.startswith("parameters.") for n in self._names)
        return LISTED if are_listed else RECORD_FIELDS

    def print(self, runs: Sequence[Record]) -> None:
        """Print some runs."""
        if self._names is None:
            statuses = {run.status for run in runs}
            reasons = [] if "success" in statuses else ["error_message"]
            news = ["status"] if statuses != {"success"} else []
            shown = dict.fromkeys((*BY_NEED[:2], *self._about, *reasons, *news, *BY_NEED[2:]))
            needed = [name for name in shown if name not in self._without]
            render.many(runs, self._format, shown=needed)
            return
        if self._writer is None or self._rows is None:
            columns, self._rows = selected(self._names, runs, self._months)
            self._writer = self._begun(columns)
        self._writer.write(self._rows(runs))

    def _begun(self, columns: Sequence[Column]) -> Writer:
        return writer_of(self._format)(columns, StandardOutput())

    def print_listed(self, rows: Sequence[Sequence[Any]]) -> None:
        """Print some runs of which there are the values of `LISTED` alone."""
        if self._takes_listed:
            self._writer = self._writer or self._begun(render.LISTED_COLUMNS)
            self._writer.write(rows)
        else:
            self.print([Record(**dict(zip(LISTED, row, strict=True))) for row in rows])

    def close(self) -> None:
        """Print what comes after the last run; of an empty list what it would have begun with."""
        if self._writer is None and self._names is not None:
            self.print([])
        if self._writer is not None:
            self._writer.close()
            StandardOutput().flush()
