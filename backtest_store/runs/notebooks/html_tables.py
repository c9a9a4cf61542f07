"""Runs as a table of HTML, as a notebook shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING
from uuid import UUID

from backtest_store.models import METRIC_FIELDS, Record
from backtest_store.runs.expressions.parameters import plain
from backtest_store.runs.notebooks.typed_columns import PREFIX, TypedColumn, table_of
from backtest_store.store.record_fields import MONEY, QUALITIES

if TYPE_CHECKING:
    from backtest_store.runs.compare import Comparison
    from backtest_store.runs.pivot import Pivot

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
    names = [column.name.removeprefix(PREFIX) for column in columns]
    body = [[cell(c.name, c.values[n]) for c in columns] for n in range(len(rows))]
    more = f"<p>first {len(rows)} of {len(runs):,} runs</p>" if len(runs) > len(rows) else ""
    return _grid(names, body) + more


def page(run: Record) -> str:
    """Return one run as a table: what is known of it, a line each."""
    known = [column for column in table_of([run]) if column.values[0] not in (None, [])]
    return _grid((), [[c.name, cell(c.name, c.values[0])] for c in known], heading=True)


def comparison(compared: Comparison) -> str:
    """Return runs side by side: the inputs that differ, then the metrics that tell better runs."""
    metrics = {name: [getattr(run, name) for run in compared.runs] for name in QUALITIES}
    known = {name: values for name, values in metrics.items() if any(v is not None for v in values)}
    rows = compared.differing_inputs() | known
    body = [[name, *(cell(name, value) for value in values)] for name, values in rows.items()]
    return _grid(["", *(str(run.run_id)[:ID_LENGTH] for run in compared.runs)], body, heading=True)


def pivot(shown: Pivot) -> str:
    """Return the medians of a metric, the second input's values across, and what they tell."""
    down, across = shown.axes[0], shown.axes[1] if len(shown.axes) > 1 else [shown.metric]
    medians = {place: found.median for place, found in shown.cells.items()}
    body = [
        [
            plain(value),
            *(
                cell(shown.metric, medians.get((n, m)[: len(shown.axes)]))
                for m in range(len(across))
            ),
        ]
        for n, value in enumerate(down)
    ]
    notes = "".join(f"<p>{escape(note)}</p>" for note in shown.notes())
    return _grid([" \\ ".join(shown.inputs), *map(plain, across)], body, heading=True) + notes


def _grid(head: Sequence[str], body: Sequence[Sequence[str]], *, heading: bool = False) -> str:
    """Return a table of texts; the first cell of a row may be its heading."""

    def row(cells: Sequence[str], first: str, rest: str) -> str:
        tags = [first, *[rest] * len(cells)]
        pairs = zip(tags, cells, strict=False)
        return f"<tr>{''.join(f'<{tag}>{escape(text)}</{tag}>' for tag, text in pairs)}</tr>"

    above = f"<thead>{row(head, 'th', 'th')}</thead>" if head else ""
    lines = "".join(row(cells, "th" if heading else "td", "td") for cells in body)
    return f"<table>{above}<tbody>{lines}</tbody></table>"


def unsaved(run_ids: Sequence[UUID]) -> str:
    """Say which runs the database did not take; nothing if there are none."""
    if not run_ids:
        return ""
    ids = ", ".join(str(run_id)[:ID_LENGTH] for run_id in run_ids)
    return f"<p>waiting in the spool, for <code>btstore sync</code>: {ids}</p>"


def _has_news(column: TypedColumn, rows: int) -> bool:
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
    if isinstance(value, float | Decimal):
        is_fraction = name in METRIC_FIELDS and METRIC_FIELDS[name]["unit"] == "fraction"
        form = "z.2%" if is_fraction else "z,.4g"
        return format(value, "z,.2f" if name in MONEY else form)
    text = ", ".join(map(str, value)) if isinstance(value, list) else plain(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
