"""Models in, text out; no command formats anything itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from backtest_store.cli.output import cells
from backtest_store.cli.output.cells import Column
from backtest_store.cli.output.streams import StandardOutput, print_message
from backtest_store.cli.output.text import printable, printable_lines
from backtest_store.cli.output.writers import FOR_PEOPLE, FORMATS, Format
from backtest_store.models import Json, Record
from backtest_store.store.fields import LISTED

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from backtest_store.runs.compare import Comparison

NUMBER = re.compile(r"-?[\d.]+(e-?\d+)?")
LISTED_COLUMNS = tuple(column for column in cells.columns(Record) if column.name in LISTED)


class Printer:
    """Print records, one a row, some at a time: runs as lists have them, or other columns.

    Parameters
    ----------
    format_ : Format
        How they are printed.
    columns : sequence of Column
        What is printed of each.
    shown : sequence of str
        The columns for people, the most needed first; all of them if there are none.
    """

    def __init__(
        self,
        format_: Format,
        columns: Sequence[Column] = LISTED_COLUMNS,
        *,
        shown: Sequence[str] = (),
    ) -> None:
        if shown and format_ in FOR_PEOPLE:
            columns = [column for column in columns if column.name in shown]
        self._out = StandardOutput()
        self._names = [column.name for column in columns]
        self._places = [n for n, name in enumerate(LISTED) if name in self._names]
        self._writer = FORMATS[format_](columns, self._out, shown)

    def print(self, records: Sequence[DataclassInstance]) -> None:
        """Print some records."""
        self._writer.write([[getattr(record, n) for n in self._names] for record in records])

    def print_listed(self, rows: Sequence[Sequence[object]]) -> None:
        """Print some runs of which there are the values of `LISTED` alone."""
        if len(self._places) < len(LISTED):
            rows = [[row[place] for place in self._places] for row in rows]
        self._writer.write(rows)

    def close(self) -> None:
        """Print what comes after the last record."""
        self._writer.close()
        self._out.flush()


def many(
    records: Sequence[DataclassInstance],
    format_: Format,
    columns: Sequence[Column] = LISTED_COLUMNS,
    *,
    shown: Sequence[str] = (),
    nothing: Callable[[], str] | None = None,
) -> None:
    """Print all records that there are, one a row.

    If there are none, the header or the empty list is printed all the same, and `nothing` is
    said on standard error.
    """
    if nothing and not records:
        print_message(nothing())
    printer = Printer(format_, columns, shown=shown)
    printer.print(records)
    printer.close()


def grid(runs: Sequence[Record], format_: Format, *, shown: Sequence[str]) -> None:
    """Print the runs of a grid, for people with a column for each input that varies."""
    varying = _varying(runs) if format_ in FOR_PEOPLE else {}
    if not varying:
        many(runs, format_, shown=shown)
        return
    first, *rest = [c for c in LISTED_COLUMNS if c.name in shown and c.name != "parameters"]
    columns = [first, *(_input(name, values) for name, values in varying.items()), *rest]
    out = StandardOutput()
    writer = FORMATS[format_](columns, out, (shown[0], *varying, *shown[1:]))
    rows = zip(runs, *varying.values(), strict=True)
    writer.write([[r.run_id, *values, *(getattr(r, c.name) for c in rest)] for r, *values in rows])
    writer.close()
    out.flush()


def _varying(runs: Sequence[Record]) -> dict[str, list[str | None]]:
    """Return the inputs of a grid that are not the same in all runs, each run by run."""
    inputs = [run.provenance.get("batch_inputs") or {} for run in runs]
    texts = [{n: v if isinstance(v, str) else json.dumps(v) for n, v in i.items()} for i in inputs]
    names = sorted({name for text in texts for name in text}, key=lambda name: ("." in name, name))
    every = {name: [text.get(name) for text in texts] for name in names}
    return {name: values for name, values in every.items() if len(set(values)) > 1}


def _input(name: str, values: Sequence[str | None]) -> Column:
    if all(value is None or NUMBER.fullmatch(value) for value in values):
        return Column(name, "float", "input")
    return Column(name, "str")


def one(record: DataclassInstance, format_: Format) -> None:
    """Print one record: its fields below each other, one object, or one row."""
    columns = cells.columns(type(record))
    if format_ in FOR_PEOPLE:
        from backtest_store.cli.output import records

        records.write(columns, cells.row(record, columns), StandardOutput(), format_)
    else:
        many([record], Format.JSONL if format_ is Format.JSON else format_, columns)


def page(record: Record) -> None:
    """Print a run as a page for people."""
    from backtest_store.cli.output import run_page

    run_page.write(record, StandardOutput())


def side_by_side(comparison: Comparison, format_: Format, *, all_parameters: bool = False) -> None:
    """Print runs beside each other for people; for machines one record a run."""
    if format_ in FOR_PEOPLE:
        from backtest_store.cli.output import comparisons

        comparisons.write(comparison, StandardOutput(), format_, all_parameters=all_parameters)
    elif format_ is Format.CSV:
        _write_with_parameters(comparison)
    else:
        many(comparison.runs, format_, cells.columns(Record))


def facts(named: Mapping[str, str]) -> None:
    """Print facts below each other, each after its name."""
    from backtest_store.cli.output import tables

    names, texts = zip(*((n, printable(text)) for n, text in named.items()), strict=True)
    tables.draw_bare(
        [tables.TableColumn("", names), tables.TableColumn("", texts)], StandardOutput()
    )


def document(value: Json, format_: Format = Format.JSON) -> None:
    """Print a JSON document, laid out for reading or as one line."""
    indent = None if format_ is Format.JSONL else 2
    text = json.dumps(value, indent=indent, ensure_ascii=False, default=_in_json)
    StandardOutput().write(printable_lines(text) + "\n")


def sparklines(records: Sequence[DataclassInstance], *fields: str) -> None:
    """Print the course of some fields on a terminal, a character a record."""
    out = StandardOutput()
    if out.isatty() and len(records) > 1:
        from backtest_store.cli.output import readable

        for field in fields:
            line = readable.sparkline([getattr(record, field) for record in records])
            out.write(f"{readable.heading(field)}: {line}\n")


def _in_json(value: object) -> float | str:
    """Write what JSON lacks: an amount stays a number, an id or a time is text."""
    return float(value) if isinstance(value, Decimal) else str(value)


def _write_with_parameters(comparison: Comparison) -> None:
    """Write whole runs as CSV, with a column for each parameter in place of one for all."""
    parameters = comparison.parameters()
    columns = [column for column in cells.columns(Record) if column.name != "parameters"]
    spread = [Column(f"parameters.{name}", "Json") for name in parameters]
    rows = [[getattr(run, column.name) for column in columns] for run in comparison.runs]
    out = StandardOutput()
    writer = FORMATS[Format.CSV]([*columns, *spread], out)
    writer.write([[*row, *values] for row, *values in zip(rows, *parameters.values(), strict=True)])
    writer.close()
    out.flush()
