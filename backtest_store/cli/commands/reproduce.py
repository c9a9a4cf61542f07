"""`btstore reproduce`: run a stored run again, and say whether it comes out the same."""

from __future__ import annotations

from decimal import Decimal
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from backtest_store.cli.options import FormatOption, RunArgument, examples, with_filters
from backtest_store.cli.output.formats.format_list import FOR_PEOPLE, Format
from backtest_store.cli.output.streams import print_message
from backtest_store.errors import ReproductionDiffersError, StoreError
from backtest_store.runs.expressions.asked_filters import Filters

if TYPE_CHECKING:
    from asyncpg import Connection

    from backtest_store.models import Record
    from backtest_store.runs.changes.causes import Cause, Difference, Reproduction

EXAMPLES = examples(
    "btstore reproduce @best:sharpe_ratio", "btstore reproduce 3f2a --tolerance 1e-9 --format json"
)
ToleranceOption = Annotated[
    float,
    typer.Option(min=0.0, metavar="FRACTION", help="Largest relative difference treated as equal."),
]


MOST_NAMED = 3
NAMES = {"total_return": "return", "sharpe_ratio": "Sharpe", "max_drawdown": "drawdown"}
ENGINES = "engine_stats."  # the engine's own statistics


@with_filters()
def reproduce(
    run: RunArgument,
    *,
    filters: Filters,
    tolerance: ToleranceOption = 0.0,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Run a stored run again from its snapshot, and compare every metric."""
    from backtest_store.cli.spinner import read, spinner
    from backtest_store.runner.config_runs import require_engine
    from backtest_store.runs import selectors
    from backtest_store.runs.changes.causes import Reproduction

    original = read(lambda db: selectors.resolve(db, run, filters.conditions), filters)
    require_engine()
    from backtest_store.runner.reproduce.reproduction import run_again, script_needed

    script = script_needed(original)
    if script is not None:
        print_message(f"running the whole script again: {script['path']}")
    with spinner():
        answer = run_again(original, script)
    if answer.script_runs is not None:
        print_message(f"the script made {answer.script_runs} run{'s' * (answer.script_runs != 1)}")
    run_id = UUID(str(answer.run_id))
    reproduction = Reproduction(original, read(lambda db: saved(db, run_id)), tolerance)
    require_same_ending(reproduction)
    show(reproduction, format_)
    if reproduction.differences:
        ids = f"{str(original.run_id)[:8]} {str(run_id)[:8]}"
        hint = f"btstore compare {ids}" if format_ in FOR_PEOPLE else explanation(reproduction)
        raise ReproductionDiffersError(summary(reproduction), hint=hint)
    print_message(summary(reproduction))


async def saved(db: Connection, run_id: UUID) -> Record:
    """Fetch the repetition from the store, where it must be."""
    from backtest_store.store.queries import get_runs

    runs = await get_runs(db, run_ids=[run_id])
    if not runs:
        raise StoreError(
            f"the repetition {run_id} is not in the store yet", hint="btstore sync saves it"
        )
    return runs[0]


def require_same_ending(reproduction: Reproduction) -> None:
    """Refuse to compare a success with a repetition that failed."""
    again = reproduction.reproduced
    if not again.has_metrics and again.status != reproduction.original.status:
        raise StoreError(
            f"the repetition {again.status}: {again.error_type}: {again.error_message}",
            hint=f"{changes(reproduction)}btstore show {again.run_id} has the traceback",
        )


def show(reproduction: Reproduction, format_: Format) -> None:
    """Print the verdict as JSON, or what has changed and the metrics that differ."""
    from backtest_store.cli.output import render
    from backtest_store.cli.output.cells import Column

    found = reproduction.differences
    if format_ in (Format.JSON, Format.JSONL):
        render.document(as_json(reproduction), format_)
    elif format_ is Format.CSV:
        columns = [Column(name, "str") for name in ("metric", "original", "reproduced")]
        rows = [[d.metric, plain(d.original), plain(d.reproduced)] for d in found]
        render.write(columns, rows, format_)
    elif found:
        for cause in reproduction.causes:
            print_message(f"changed: {cause.detail}")
        told = [d for d in found if not d.metric.startswith(ENGINES)]
        moved = [moved_row(d, reproduction.original) for d in told]
        if moved:
            names = ("original", "reproduced", "difference")
            columns = [Column("metric", "str", "plain")]
            columns += [Column(name, "float", "plain") for name in names]
            render.write(columns, moved, format_)
        if left := len(found) - len(moved):
            print_message(f"and {left} of NautilusTrader's own statistics; --format json has them")


def moved_row(moved: Difference, original: Record) -> list[str]:
    """Return a metric as people read it, and by how much it moved; of a list, what of it did."""
    from backtest_store.cli.output.cells import RECORD_COLUMNS
    from backtest_store.cli.output.pages.comparison_page import difference

    column = RECORD_COLUMNS.get(moved.metric)
    before, after = moved.original, moved.reproduced
    if isinstance(before or after, list):
        return moved_periods(moved, original)
    are_numbers = all(isinstance(v, int | float | Decimal) for v in (before, after))
    by = difference(column, after - before) if column and are_numbers else ""
    return [moved.metric, *readable(moved), by]


def moved_periods(moved: Difference, original: Record) -> list[str]:
    """Return of a list of months or days that which differs most, or how many there are."""
    from backtest_store.cli.output.for_people import UNDEFINED
    from backtest_store.runs.changes.causes import Difference
    from backtest_store.statistics.months import equity_levels

    before, after = moved.original or [], moved.reproduced or []
    starts = [start for start, _ in equity_levels(original)]
    unit = original.period or "period"
    if not len(starts) == len(before) == len(after):
        counts = [f"{len(values)} {unit}s" if values else UNDEFINED for values in (before, after)]
        return [moved.metric, *counts, ""]
    differing = [row for row in zip(starts, before, after, strict=True) if row[1] != row[2]]
    start, then, now = max(differing, key=lambda row: abs((row[1] or 0) - (row[2] or 0)))
    like = "returns_count" if moved.metric == "period_counts" else "total_return"
    when = f"{start:%Y-%m-%d}" if unit == "day" else f"{start:%Y-%m}"
    count = f"largest of {len(differing)} {unit}{'s' * (len(differing) > 1)}"
    return [f"{moved.metric} {when}", *readable(Difference(like, then, now)), count]


def readable(moved: Difference) -> tuple[str, str]:
    """Return a metric's two values as people read them, in full if they look the same else."""
    from backtest_store.cli.output.cells import RECORD_COLUMNS
    from backtest_store.cli.output.for_people import UNDEFINED, readable

    values = moved.original, moved.reproduced
    then, now = (plain(value) or UNDEFINED for value in values)
    if moved.metric not in RECORD_COLUMNS:
        return then, now
    short = [readable(RECORD_COLUMNS[moved.metric], value) for value in values]
    return (short[0], short[1]) if short[0] != short[1] else (then, now)


def plain(value: object) -> str | None:
    """Write a value exactly, without an exponent, which no trader reads money in."""
    from backtest_store.cli.output.cells import exact

    return None if value is None else exact(value)


def as_json(reproduction: Reproduction) -> dict[str, Any]:
    """Return the verdict and what it rests on."""
    cause = reproduction.most_likely_cause
    return {
        "run_id": reproduction.original.run_id,
        "reproduced_run_id": reproduction.reproduced.run_id,
        "verdict": reproduction.verdict,
        "tolerance": reproduction.tolerance,
        "differences": [vars(d) for d in reproduction.differences],
        "most_likely_cause": None if cause is None else vars(cause),
        "changes": [vars(change) for change in reproduction.causes],
    }


def summary(reproduction: Reproduction) -> str:
    """Say in one line how the repetition compares, and what has changed in between."""
    original, again = reproduction.original.run_id, reproduction.reproduced.run_id
    found = reproduction.differences
    if not found:
        changed = "; ".join(change.detail for change in reproduction.causes)
        return f"identical: {again} reproduces {original}" + (
            f", though {changed}" if changed else ""
        )
    told = [d for d in found if not d.metric.startswith(ENGINES)] or found
    single = [d for d in told if not isinstance(d.original or d.reproduced, list)]
    named = [f"{NAMES.get(d.metric, d.metric)} {' → '.join(readable(d))}" for d in single]
    named = (named or [d.metric for d in told])[:MOST_NAMED]
    left = len(found) - len(named)
    moved = ", ".join(named) + (f" and {left} more" if left else "")
    cause = reproduction.most_likely_cause
    return f"not reproduced: {moved}" + (f"; {brief(cause)}" if cause else "")


def brief(cause: Cause) -> str:
    """Name a cause in a few words: files by their names."""
    if cause.kind not in {"source", "script"} or ": " not in cause.detail:
        return cause.detail
    files = cause.detail.partition(": ")[2].split(", ")
    return f"{', '.join(PurePath(file).name for file in files)} changed"


def explanation(reproduction: Reproduction) -> str:
    """Name the likeliest cause of the differences, and what else has changed."""
    cause = reproduction.most_likely_cause
    others = [change.detail for change in reproduction.causes if change != cause]
    likely = "" if cause is None else f"most likely {cause.detail}"
    return "; also: ".join(filter(None, [likely, "; ".join(others)]))


def changes(reproduction: Reproduction) -> str:
    """List what has changed, to stand before something else."""
    return "".join(f"{change.detail}; " for change in reproduction.causes)
