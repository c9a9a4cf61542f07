"""`btstore delete`: runs that are no longer wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from backtest_store.cli import completion
from backtest_store.cli.confirm import require_yes
from backtest_store.cli.options import (
    RUN_HELP,
    counted,
    examples,
    metric_option,
    no_runs_message,
    with_filters,
)
from backtest_store.cli.output.streams import print_message
from backtest_store.errors import UsageError
from backtest_store.runs.expressions.asked_filters import Filters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID


SHOWN = 5
EXAMPLES = examples(
    "btstore delete --status failed --until 30d",
    "btstore delete --batch @batch --keep-best 20 --by sharpe_ratio",
)
SomeRunsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUN]...", help=RUN_HELP, autocompletion=completion.runs),
]


@with_filters()
def delete(
    runs: SomeRunsArgument = None,
    *,
    filters: Filters,
    keep_best: Annotated[
        int, typer.Option("--keep-best", metavar="N", min=0, help="Keep the best N of them.")
    ] = 0,
    by: Annotated[str, metric_option("Metric that decides which are the best.")] = "sharpe_ratio",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete runs and their metrics, for good: those named, or all that the filters match."""
    from backtest_store.cli.spinner import call, read
    from backtest_store.runs.annotations import choose_ids
    from backtest_store.saving.sync import delete_runs
    from backtest_store.store.record_fields import QUALITIES, known

    if not runs and not filters.conditions and not keep_best:
        raise UsageError("name runs, or say which by filters", hint="btstore delete --help")
    metric = known(by, QUALITIES, "metric to rank by")
    ids = read(lambda db: choose_ids(db, runs or [], filters, keep_best=keep_best, by=metric))
    if not ids:
        print_message(no_runs_message(filters))
        return
    if not yes:
        _show(ids)
        require_yes(f"Delete {counted(len(ids))} for good?")
    deleted = call(lambda db: delete_runs(db, ids))
    print_message(f"deleted {counted(len(deleted))}")


def _show(ids: Sequence[UUID]) -> None:
    """Say which runs are meant: the first few of many."""
    from backtest_store.cli.output.cells import short_ids
    from backtest_store.cli.spinner import read
    from backtest_store.store import queries

    short = short_ids([str(run_id) for run_id in ids])
    for run in read(lambda db: queries.get_runs(db, run_ids=ids[:SHOWN])):
        run_id, began = short[str(run.run_id)], f"{run.started_at:%Y-%m-%d %H:%M} UTC"
        print_message(f"{run_id}  {began}  {run.status}  {run.title}")
    if len(ids) > SHOWN:
        print_message(f"… and {len(ids) - SHOWN:,} more")
