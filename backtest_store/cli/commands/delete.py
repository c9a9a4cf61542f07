"""`btstore delete`: runs that are no longer wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from backtest_store.cli.confirm import require_yes
from backtest_store.cli.options import RunsArgument, counted, examples
from backtest_store.cli.output.streams import print_message

if TYPE_CHECKING:
    from backtest_store.models import Record

EXAMPLES = examples("btstore delete @latest", "btstore delete 3f2a 77c1 --yes")


def delete(
    runs: RunsArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete runs and their metrics, for good."""
    from backtest_store.cli.spinner import call, read
    from backtest_store.runs import selectors
    from backtest_store.saving import save
    from backtest_store.store import queries
    from backtest_store.store.settings import Settings

    found = read(lambda db: selectors.resolve_all(db, runs))
    wanted = {run.run_id: run for run in found}
    if not yes:
        for run in wanted.values():
            print_message(_described(run))
        require_yes(f"Delete {counted(len(wanted))} for good?")
    save.forget(Settings.from_environment().home, wanted)  # else they come back by `sync`
    deleted = call(lambda db: queries.delete_runs(db, run_ids=list(wanted)))
    print_message(f"deleted {counted(len(deleted))}")


def _described(run: Record) -> str:
    return f"{run.run_id}  {run.started_at:%Y-%m-%d %H:%M} UTC  {run.strategy_name}"
