"""`btstore reproduce`: run a stored run again, and say whether it comes out the same."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from backtest_store.cli.options import FormatOption, RunArgument, examples
from backtest_store.cli.output.streams import print_message
from backtest_store.cli.output.writers import Format
from backtest_store.errors import ReproductionDiffersError, StoreError

if TYPE_CHECKING:
    from asyncpg import Connection

    from backtest_store.models import Record
    from backtest_store.runs.changes.causes import Reproduction

EXAMPLES = examples(
    "btstore reproduce @best:sharpe_ratio", "btstore reproduce 3f2a --tolerance 1e-9 --format json"
)
ToleranceOption = Annotated[
    float,
    typer.Option(min=0.0, metavar="FRACTION", help="Largest relative difference treated as equal."),
]


MOST_NAMED = 3


@dataclass(frozen=True)
class Row:
    """A metric that differs."""

    metric: str
    original: str | None
    reproduced: str | None


def reproduce(
    run: RunArgument, *, tolerance: ToleranceOption = 0.0, format_: FormatOption = Format.TABLE
) -> None:
    """Run a stored run again from its snapshot, and compare every metric."""
    from backtest_store.cli.spinner import call, read, spinner
    from backtest_store.runner.execution import require_engine
    from backtest_store.runs import selectors
    from backtest_store.runs.changes.causes import Reproduction

    original = read(lambda db: selectors.resolve(db, run))
    require_engine()
    from backtest_store.runner.reproduce.reproduction import request_for, run_again

    request = request_for(original)
    if request.script is not None:
        print_message(f"running the whole script again: {request.script['path']}")
    with spinner():
        answer = run_again(request)
    if answer.made is not None:
        print_message(f"the script made {answer.made} run{'s' * (answer.made != 1)}")
    run_id = UUID(str(answer.run_id))
    reproduction = Reproduction(original, call(lambda db: saved(db, run_id)), tolerance)
    require_same_ending(reproduction)
    show(reproduction, format_)
    if reproduction.differences:
        raise ReproductionDiffersError(summary(reproduction), hint=explanation(reproduction))
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
    if again.status not in ("success", "stopped", reproduction.original.status):
        raise StoreError(
            f"the repetition {again.status}: {again.error_type}: {again.error_message}",
            hint=f"{changes(reproduction)}btstore show {again.run_id} has the traceback",
        )


def show(reproduction: Reproduction, format_: Format) -> None:
    """Print the verdict as JSON, or the metrics that differ."""
    from backtest_store.cli.output import render

    if format_ in (Format.JSON, Format.JSONL):
        render.document(as_json(reproduction), format_)
        return
    rows = [
        Row(d.metric, *(None if v is None else plain(v) for v in (d.original, d.reproduced)))
        for d in reproduction.differences
    ]
    if rows or format_ is Format.CSV:
        render.many(rows, format_, columns=columns())


def plain(value: object) -> str:
    """Write a value without an exponent, which no trader reads money in."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


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


def columns() -> Any:
    """Return the columns of the metrics that differ."""
    from backtest_store.cli.output.cells import columns

    return columns(Row)


def summary(reproduction: Reproduction) -> str:
    """Say in one line how the repetition compares, and what has changed in between."""
    original, again = reproduction.original.run_id, reproduction.reproduced.run_id
    found = reproduction.differences
    if not found:
        changed = "; ".join(change.detail for change in reproduction.causes)
        return f"identical: {again} reproduces {original}" + (
            f", though {changed}" if changed else ""
        )
    values = [f"{d.metric} {plain(d.original)} → {plain(d.reproduced)}" for d in found[:MOST_NAMED]]
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return f"not reproduced: {', '.join(values)}{more}; {again} differs from {original}"


def explanation(reproduction: Reproduction) -> str:
    """Name the likeliest cause of the differences, and what else has changed."""
    cause = reproduction.most_likely_cause
    others = [change.detail for change in reproduction.causes if change != cause]
    likely = "" if cause is None else f"most likely {cause.detail}"
    return "; also: ".join(filter(None, [likely, "; ".join(others)]))


def changes(reproduction: Reproduction) -> str:
    """List what has changed, to stand before something else."""
    return "".join(f"{change.detail}; " for change in reproduction.causes)
