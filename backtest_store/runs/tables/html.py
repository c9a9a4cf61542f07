"""Runs as a table of HTML, as a notebook shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from html import escape
from uuid import UUID

from backtest_store.models import METRIC_FIELDS, Record
from backtest_store.runs.tables.columns import PREFIX, TableColumn, table_of, written

SHOWN = (
    "run_id",
    "strategy_name",
    "started_at",
    "status",
    "sharpe_ratio",
    "total_return",
    "max_drawdown",
    "total_trades",
    "tags",
    "note",
    "error_message",
    "parameters",
)
MOST_ROWS = 50
LONGEST = 60
ID_LENGTH = 8


def table(runs: Sequence[Record], names: Sequence[str] | None = None) -> str:
    """Return runs as a table: what is asked for, or what a reader needs and is not empty.

    Of parameters those that differ are shown, unless they are asked for.
    """
    rows = runs[:MOST_ROWS]
    columns = table_of(rows, names or SHOWN)
    if names is None:
        columns = [column for column in columns if _has_news(column, len(rows))]
    head = "".join(f"<th>{escape(column.name.removeprefix(PREFIX))}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell(c.name, c.values[n]))}</td>" for c in columns) + "</tr>"
        for n in range(len(rows))
    )
    more = f"<p>first {len(rows)} of {len(runs):,} runs</p>" if len(runs) > len(rows) else ""
    head = f"<thead><tr>{head}</tr></thead>"
    return f"<table>{head}<tbody>{body}</tbody></table>{more}"


def page(run: Record) -> str:
    """Return one run as a table: what is known of it, a line each."""
    lines = (
        f"<tr><th>{escape(c.name)}</th><td>{escape(cell(c.name, c.values[0]))}</td></tr>"
        for c in table_of([run])
        if c.values[0] not in (None, [])
    )
    return f"<table><tbody>{''.join(lines)}</tbody></table>"


def unsaved(run_ids: Sequence[UUID]) -> str:
    """Say which runs the database did not take; nothing if there are none."""
    if not run_ids:
        return ""
    ids = ", ".join(str(run_id)[:ID_LENGTH] for run_id in run_ids)
    return f"<p>waiting in the spool, for <code>btstore sync</code>: {ids}</p>"


def _has_news(column: TableColumn, rows: int) -> bool:
    """Say whether a column has anything in it; of a parameter, whether runs differ in it."""
    known = {str(value) for value in column.values if value not in (None, [])}
    if rows > 1 and column.name.startswith(PREFIX):
        return len(known) > 1 or None in column.values
    return bool(known)


def cell(name: str, value: object) -> str:
    """Return a value as people read it."""
    if value is None or value == []:
        return "\N{EN DASH}"
    if name == "run_id":
        return str(value)[:ID_LENGTH]
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        is_fraction = name in METRIC_FIELDS and METRIC_FIELDS[name]["unit"] == "fraction"
        return f"{value:z.2%}" if is_fraction else f"{value:z,.4g}"
    text = ", ".join(map(str, value)) if isinstance(value, list) else written(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
