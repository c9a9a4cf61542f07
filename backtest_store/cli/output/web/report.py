"""A page about one or several runs that needs nothing but itself: figures, curves, months."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date
from html import escape
from typing import TYPE_CHECKING, Any

from backtest_store.cli.output.for_people import UNDEFINED
from backtest_store.cli.output.pages.calendar_table import MONTHS, by_year
from backtest_store.cli.output.pages.comparison_page import (
    KEY_METRICS,
    MONEY,
    Line,
    input_line,
    metric_line,
)
from backtest_store.cli.output.pages.run_page import NO_MONTHS
from backtest_store.cli.output.terminal_text import printable
from backtest_store.cli.output.web.heat_maps import drawn
from backtest_store.models import Record
from backtest_store.runs.changes.inputs import VERSIONS
from backtest_store.runs.compare import Comparison
from backtest_store.statistics.months import (
    DrawdownPeriod,
    drawdown_periods,
    drawdowns,
    equity_levels,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARED = ("instrument_ids", "initial_capital", "currency", "start_date", "end_date", "data_source")
INK = "#010203"  # stands for the colour of the page's text, which is light or dark
WIDE, HIGH = 6.4, 4.4  # inches: so small that a phone shows its text
MOST_FALLS = 5
BEST = ' class="best"'
STRONGEST = 0.1  # a month's return that has the fullest colour
GAIN, LOSS = "30 140 70", "200 60 50"
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; } figure { margin: 0; }
svg { width: 100%; max-width: 52rem; height: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
th, td { padding: 0.15rem 0.6rem; text-align: right; white-space: nowrap; }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 1px solid; }
.months td, .months th { padding: 0.15rem 0.4rem; } .best { font-weight: 700; }
@media (max-width: 40rem) { body { margin: 1rem auto; padding: 0 0.5rem; }
  table { font-size: 0.72rem; } th, td { padding: 0.1rem 0.3rem; }
  .months { font-size: 0.62rem; width: 100%; } .months td, .months th { padding: 0.1rem 0; } }
@media print { :root { font-size: 11px; } body { font-size: 1rem; margin: 0; max-width: none; }
  h2 { break-after: avoid; }
  table, figure { break-inside: avoid; } .wide { overflow: visible; }
  * { print-color-adjust: exact; } }
"""


def page(comparison: Comparison) -> bytes:
    """Return the page."""
    runs = comparison.runs
    names = list(dict.fromkeys(run.strategy_name for run in runs))
    title = _text(f"{', '.join(names)}: {len(runs)} runs" if len(runs) > 1 else names[0])
    body = "".join(_body(comparison, [str(run.run_id)[:8] for run in runs]))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title><style>{STYLE}</style></head>\n"
        f"<body><h1>{title}</h1>\n{body}</body></html>\n"
    ).encode()


def _body(comparison: Comparison, ids: Sequence[str]) -> Iterator[str]:
    runs = comparison.runs
    several = len(runs) > 1
    yield _same(comparison)
    inputs = comparison.differing_inputs() if several else _chosen(comparison)
    yield f"<h2>{'Inputs that differ' if several else 'Inputs'}</h2>"
    yield _lines(ids, [input_line(name, values) for name, values in inputs.items()])
    yield "<h2>Result</h2>"
    figures = [metric_line(comparison, name) for name in (*KEY_METRICS, *MONEY)]
    yield _lines(ids, [line._replace(label=MONEY.get(line.label, line.label)) for line in figures])
    yield "".join(f"<p>{_text(note)}</p>" for note in comparison.notes())
    yield "<h2>Equity and drawdown</h2>"
    yield _curves(runs, ids)
    if several:
        yield "<h2>Correlation of monthly returns</h2>"
        rows = comparison.correlations()
        texts = [[UNDEFINED if v is None else f"{v:z.2f}" for v in row] for row in rows]
        yield _table(["", *ids], [[i, *row] for i, row in zip(ids, texts, strict=True)])
    for run, name in zip(runs, ids, strict=True):
        yield f"<h2>Months{f' of {name}' if several else ''}, in percent</h2>{_months(run)}"
        if levels := equity_levels(run):
            form = "%Y-%m" if run.period == "month" else "%Y-%m-%d"
            falls = [_fall(fall, form) for fall in drawdown_periods(levels)[:MOST_FALLS]]
            yield f"<h2>Deepest drawdowns{f' of {name}' if several else ''}</h2>"
            yield _table(["depth", "from", "deepest", "recovered"], falls)


def _same(comparison: Comparison) -> str:
    """Return what all runs have in common: the instrument, the time, the capital."""
    shared = {n: v for n, v in comparison.inputs().items() if n in SHARED and v[1:] == v[:-1]}
    texts = {name: input_line(name, values).texts[0] for name, values in shared.items()}
    if texts.keys() >= {"start_date", "end_date"}:
        texts["start_date"] += f" → {texts.pop('end_date')}"
    return f"<p>{_text(' · '.join(texts.values()))}</p>"


def _chosen(comparison: Comparison) -> dict[str, list[Any]]:
    """Return of one run the parameters, and the versions of what ran."""
    return {
        name: values
        for name, values in comparison.inputs().items()
        if name.startswith("parameters.") or name in {"commit", *VERSIONS.values()}
    }


def _fall(fall: DrawdownPeriod, form: str) -> list[str]:
    recovered = "not yet" if fall.end is None else f"{fall.end:{form}}"
    return [f"{fall.depth:.1%}", f"{fall.start:{form}}", f"{fall.deepest:{form}}", recovered]


def _lines(ids: Sequence[str], lines: Sequence[Line]) -> str:
    """Return lines of a comparison as a table, what is marked in them in bold."""
    rows = [[line.label, *line.texts] for line in lines]
    return _table(["", *ids], rows, [["", *line.colours] for line in lines])


def _table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], marks: Sequence[Sequence[str]] = ()
) -> str:
    head = "".join(f"<th>{_text(text)}</th>" for text in heads)
    body = "".join(
        f"<tr>{''.join(map(_cell, row, mark))}</tr>"
        for row, mark in zip(rows, marks or [[""] * len(heads)] * len(rows), strict=True)
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _cell(text: str, mark: str) -> str:
    return f"<td{BEST * bool(mark)}>{_text(text)}</td>"


def _months(run: Record) -> str:
    rows = [
        f"<tr><th>{year}</th>{''.join(map(_shaded, returns))}</tr>"
        for year, *returns in by_year(run)
    ]
    heads = "".join(f"<th>{name}</th>" for name in ("", *MONTHS, "year"))
    body = f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody>"
    table = f'<div class="wide"><table class="months">{body}</table></div>'
    return table if rows else f"<p>{NO_MONTHS}</p>"


def _shaded(total: float | None) -> str:
    """Return a month, greener the more it gained and redder the more it lost."""
    if total is None:
        return "<td></td>"
    strength = min(abs(total) / STRONGEST, 1.0) * 0.6
    colour = f"rgb({GAIN if total >= 0 else LOSS} / {strength:.2f})"
    return f'<td style="background: {colour}">{100 * total:z.1f}</td>'


def _curves(runs: Sequence[Record], ids: Sequence[str]) -> str:
    if not any(map(equity_levels, runs)):
        return f"<p>{NO_MONTHS}</p>"
    picture = drawn(lambda: _figure(runs, ids), "svg").decode()
    coloured = picture[picture.index("<svg") :].replace(INK, "currentColor")
    return f"<figure>{coloured}</figure>"


def _figure(runs: Sequence[Record], ids: Sequence[str]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure((WIDE, HIGH), layout="constrained")
    figure.patch.set_visible(False)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    for run, name in zip(runs, ids, strict=True):
        if dated := equity_levels(run):
            firsts, levels = zip(*dated, strict=True)
            days = [*map(_last_day, firsts)] if run.period == "month" else firsts
            (line,) = above.plot(days, [100 * (v - 1) for v in levels], label=name, linewidth=1.4)
            falls = [100 * fall for fall in drawdowns(levels)]
            below.plot(days, falls, color=line.get_color(), linewidth=1.0)
            below.fill_between(days, falls, color=line.get_color(), alpha=0.15, linewidth=0)
    for axes, label in ((above, "return, %"), (below, "drawdown, %")):
        # There is no day before Python's first, as which an impossible one is read.
        axes.margins(x=0)
        axes.patch.set_visible(False)
        axes.set_ylabel(label, color=INK)
        axes.tick_params(colors=INK)
        axes.spines[:].set_color(INK)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(visible=True, color=INK, alpha=0.15)
    if len(runs) > 1:
        above.legend(frameon=False, labelcolor=INK, ncols=4)
    return figure


def _last_day(first: date) -> date:
    """Return the last day of a month, on which it had earned what it earned."""
    return first.replace(day=monthrange(first.year, first.month)[1])


def _text(text: str) -> str:
    return escape(printable(text))
