"""One run as a page: what it is, what went into it, what it came to, and when it earned that."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from backtest_store.cli.output import for_people
from backtest_store.cli.output.cells import RECORD_COLUMNS
from backtest_store.cli.output.colours import STATUS_COLOURS, coloured, has_colours
from backtest_store.cli.output.pages import calendar_table
from backtest_store.cli.output.streams import StandardOutput
from backtest_store.cli.output.terminal_text import printable, terminal_width, width, wrapped
from backtest_store.models import Json, Record
from backtest_store.runs.changes.inputs import (
    VERSIONS,
    digests_of,
    file_name,
    parameters_of,
    settings_of,
)
from backtest_store.runs.expressions.parameters import flattened, plain
from backtest_store.statistics.months import drawdowns, equity_levels

LABEL = 14
ROOM_FOR_DATES = 21
WIDEST, NARROWEST = 110, 40
MOST_BARS = 60
HASH = 8
NO_MONTHS = "this run was stored without its months"
WHY_OTHERWISE = (
    "NautilusTrader's statistics differ from the above, and from version to version: some are"
    " made of the returns of positions, not of days, and open positions are left out."
)
# What nearly every venue is set to, and so says nothing of this one.
USUAL = {
    "book_type": "L1_MBP",
    "default_leverage": 1.0,
    "fill_model.random_seed": None,
    "fill_model.prob_fill_on_limit": 1.0,
    "fill_model.prob_fill_on_stop": 1.0,
} | dict.fromkeys(
    (
        "bar_execution", "reject_stop_orders", "support_contingent_orders", "support_gtd_orders",
        "trade_execution", "use_position_ids", "use_reduce_only",
    ),
    True,
)  # fmt: skip
SHOWN_ELSEWHERE = ("starting_balances", "base_currency")
FIGURES = {
    "Result": ("total_return", "cagr", "volatility", "sharpe_ratio", "sortino_ratio",
               "calmar_ratio", "max_drawdown", "buy_and_hold_return"),
    "Trades": ("total_trades", "win_rate", "profit_factor", "expectancy", "avg_win", "avg_loss",
               "total_fees"),
}  # fmt: skip
NAMES = {
    "total_return": "return",
    "cagr": "CAGR",
    "sharpe_ratio": "Sharpe",
    "sortino_ratio": "Sortino",
    "calmar_ratio": "Calmar",
    "buy_and_hold_return": "buy and hold",
    "total_trades": "closed",
    "total_fees": "fees",
    "win_rate": "won",
}


def write(run: Record) -> None:
    """Write the page of a run, as wide as the terminal or as is easy to read."""
    out = StandardOutput()
    places = max(min(terminal_width(), WIDEST), NARROWEST)
    colour = STATUS_COLOURS.get(run.status, "") if has_colours(sys.stdout) else ""
    for line in _heading(run, places):
        out.write(f"{coloured(line, colour)}\n")
        colour = ""
    lines = [
        *(line for label, parts in _sections(run) for line in _labelled(label, parts, places)),
        *_equity_and_months(run, places),
        *(line for label, parts in _background(run) for line in _labelled(label, parts, places)),
    ]
    out.writelines(f"{line}\n" for line in lines)


def _heading(run: Record, places: int) -> Iterator[str]:
    what = [
        for_people.titled(run),
        ", ".join(_bar_types(run) or run.instrument_ids),
        run.status,
    ]
    yield from _flowing([str(run.run_id)[:HASH] + "  " + what[0], *what[1:]], places)
    yield from (f"  {line}" for line in _flowing(_circumstances(run), places - 2))
    said = [*(f"#{tag}" for tag in run.tags), *([f"“{run.note}”"] if run.note else [])]
    yield from (f"  {line}" for line in _flowing(said, places - 2))
    if run.error_message:
        why = f"{run.error_type}: {run.error_message}"
        yield from (f"  {line}" for line in wrapped(printable(why), places - 2))


def _bar_types(run: Record) -> list[str]:
    """Return the one type of bars that a strategy was given, if it is one."""
    bars = {str(v) for n, v in parameters_of(run.parameters).items() if n.endswith("bar_type")}
    return [*bars] if len(bars) == 1 else []


def _circumstances(run: Record) -> Iterator[str]:
    if run.start_date and run.end_date:
        yield f"{run.start_date:%Y-%m-%d} → {for_people.last_day(run.end_date):%Y-%m-%d}"
    if run.initial_capital is not None:
        yield f"{_shown(run, 'initial_capital')} {run.currency or ''}".strip()
    if run.data_source:
        yield run.data_source
    yield f"run {run.started_at:%Y-%m-%d %H:%M} UTC"
    if run.duration_seconds is not None:
        yield f"in {_shown(run, 'duration_seconds')}"
    if run.reproduced_from:
        yield f"reproduces {str(run.reproduced_from)[:HASH]}"


def _sections(run: Record) -> Iterator[tuple[str, Sequence[str]]]:
    yield "", ()
    yield "Parameters", _parameters(run)
    yield from _venues(run)
    if run.total_return is None and run.sharpe_ratio is None and run.final_balance is None:
        return
    yield "", ()
    for label, names in FIGURES.items():
        yield label, [_figure(run, name) for name in names if getattr(run, name) is not None]
    yield "Money", [*_reconciled(run)]
    if run.warnings:
        yield "Warnings", run.warnings


def _parameters(run: Record) -> list[str]:
    """Return the parameters that were chosen, and how many were left as they are by default."""
    defaults = run.provenance.get("defaults") or []
    told = (*run.instrument_ids, *_bar_types(run))  # by the heading
    every = {n: value for n, value in flattened(run.parameters).items() if value not in told}
    chosen = {n: value for n, value in every.items() if n not in defaults}
    left = len(every) - len(chosen)
    folded = [f"(+{left} default{'s' * (left != 1)})"] if left else []
    return [*(f"{n} {plain(value)}" for n, value in chosen.items()), *folded]


def _venues(run: Record) -> Iterator[tuple[str, list[str]]]:
    """Yield each venue with what is not usual of it, which is what fills and costs depend on."""
    by_venue: dict[str, dict[str, Any]] = {}
    for name, value in settings_of(run.config_snapshot).items():
        kind, _, rest = name.partition(".")
        place, _, setting = rest.partition(".")
        if kind == "venues" and setting and not setting.endswith("_path"):
            by_venue.setdefault(place, {})[setting] = value
    for settings in by_venue.values():
        shown = {
            n: v
            for n, v in settings.items()
            if not n.startswith(SHOWN_ELSEWHERE) and v and str(v) != "0" and v != USUAL.get(n)
        }
        name = shown.pop("name", "")
        left = len(settings) - len(shown) - 1
        parts = [f"{n.rpartition('.')[2]} {_setting(n, v)}" for n, v in shown.items()]
        yield "Venue", [str(name), *parts, f"(+{left} as usual)"]


def _setting(name: str, value: object) -> str:
    """Return a setting as people read it: what is charged, in percent."""
    if name.endswith("_fee"):
        with suppress(ValueError):
            return f"{100 * float(str(value)):.6g}%"
    return plain(value)


def _figure(run: Record, name: str) -> str:
    label = NAMES.get(name) or for_people.heading(name)
    when = f" ({run.max_drawdown_date})" if name == "max_drawdown" else ""
    return f"{label} {_shown(run, name)}{when}"


def _shown(run: Record, name: str) -> str:
    return for_people.readable(RECORD_COLUMNS[name], getattr(run, name))


def _reconciled(run: Record) -> Iterator[str]:
    """Say how the net profit and the final balance hang together."""
    yield f"net profit {_shown(run, 'net_profit')} {run.currency or ''}"
    if run.final_balance is not None:
        yield f"final balance {_shown(run, 'final_balance')}"
    if run.unrealised_profit:
        still_open = _shown(run, "unrealised_profit")
        yield f"open positions {still_open}, in the profit but not the balance"


def _equity_and_months(run: Record, places: int) -> Iterator[str]:
    """Yield the shape of equity and drawdown, and the months."""
    if not run.has_metrics:
        return
    yield ""
    dated = equity_levels(run)
    if not dated:
        yield f"{'Months':<{LABEL}}{NO_MONTHS}"
        return
    levels = [level for _, level in dated]
    bars = min(MOST_BARS, places - LABEL - ROOM_FOR_DATES)
    equity = for_people.sparkline(for_people.sampled(levels, bars))
    falls = for_people.sparkline([*for_people.sampled(drawdowns(levels), bars, deepest=True), 0.0])[
        :-1
    ]
    yield f"{'Equity':<{LABEL}}{equity}  {dated[0][0]:%Y-%m} → {dated[-1][0]:%Y-%m}"
    ends = "month ends" if run.period == "month" else "days"
    yield f"{'Drawdown':<{LABEL}}{falls}  {100 * min(drawdowns(levels)):.1f}% ({ends})"
    yield ""
    yield from calendar_table.lines(run)


def _background(run: Record) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield what is looked at last: code, data and versions, and the engine's own statistics."""
    told = run.provenance
    versions = {name: told.get(key) for key, name in VERSIONS.items() if key != "platform"}
    yield "", ()
    if run.error_traceback:
        first, *others = run.error_traceback.splitlines()
        yield "Traceback", [first]
        yield from (("", [line]) for line in others)
        yield "", ()
    yield "Code", [*_code(told)]
    yield "Data", [run.data_fingerprint[:HASH]] if run.data_fingerprint else []
    yield "Versions", [f"{name} {version}" for name, version in versions.items() if version]
    yield "Run", [str(run.run_id), *filter(None, [told.get("command_line")])]
    if run.engine_stats:
        statistics = flattened(run.engine_stats).items()
        yield "", ()
        yield "Engine's own", [WHY_OTHERWISE]
        yield "", [f"{name.rpartition('.')[2]} {_rounded(value)}" for name, value in statistics]


def _code(told: Json) -> Iterator[str]:
    git = told.get("git") or {}
    if git.get("commit"):
        state = "with uncommitted changes" if git.get("dirty") else "clean"
        yield f"commit {git['commit'][:HASH]} {state}"
    for path, digest in digests_of(told).items():
        yield f"{file_name(path)} {digest[:HASH]}"


def _rounded(value: object) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else plain(value)


def _labelled(label: str, parts: Iterable[str], places: int) -> Iterator[str]:
    """Yield a label and what belongs to it; nothing of a label without anything."""
    if not label and not parts:
        yield ""
    for line in _flowing(parts, places - LABEL):
        yield f"{label:<{LABEL}}{line}"
        label = ""


def _flowing(parts: Iterable[str], places: int) -> Iterator[str]:
    """Yield parts one after another, in lines of so many places, none broken that need not be."""
    line = ""
    for part in map(printable, parts):
        longer = f"{line} · {part}" if line else part
        if width(longer) <= places:
            line = longer
            continue
        if line:
            yield line
        *whole, line = wrapped(part, places)
        yield from whole
    if line:
        yield line
