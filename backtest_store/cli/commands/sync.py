"""`btstore sync`: save what is waiting in the spool; and, before any command, runs that died."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from backtest_store.cli.options import examples
from backtest_store.cli.output.streams import print_message

if TYPE_CHECKING:
    from backtest_store.saving.spool import Counts

UNSAVED = 1
EXAMPLES = examples("btstore sync", "BTSTORE_DATABASE_URL=postgresql://db/backtests btstore sync")
OUTCOMES = {
    "saved": "saved",
    "already_there": "already in the store",
    "set_aside": "set aside, since they cannot be read",
    "rejected": "rejected by the database",
    "left": "still waiting",
}


def sync() -> None:
    """Save the runs that are waiting in the spool."""
    from dataclasses import asdict

    from backtest_store.cli.spinner import call
    from backtest_store.store.connection import applied
    from backtest_store.store.settings import Settings

    settings = Settings.from_environment()
    # A store that is down is told of also when nothing waits for it.
    call(applied)
    counts = asdict(save_leftovers())
    for outcome, meaning in OUTCOMES.items():
        if counts[outcome]:
            print_message(f"{counts[outcome]} {meaning}")
    if not any(counts.values()):
        print_message("nothing is waiting")
    if counts["rejected"] or counts["set_aside"]:
        print_message(f"the files and the reasons are in {settings.home / 'spool' / 'rejected'}")
        raise typer.Exit(UNSAVED)


def save_leftovers() -> Counts:
    """Save what waits in the spool, and the runs whose process died."""
    import asyncio

    from backtest_store.cli.spinner import spinner
    from backtest_store.saving import save as saving
    from backtest_store.store.settings import Settings

    with spinner():
        return asyncio.run(saving.save_leftovers(Settings.from_environment()))


def save_interrupted() -> None:
    """Save the runs whose process died, if there are any; the command itself matters more."""
    from backtest_store.errors import StoreError
    from backtest_store.store.settings import Settings

    home = Settings.from_environment().home
    if not _has_entries(home / "journal"):
        return
    from backtest_store.saving import journal

    try:
        died = journal.collect(home)
        if died:
            save_leftovers()
    except (StoreError, OSError):
        return  # the command says what is wrong with the store; the runs wait in the spool
    for run_id in died:
        print_message(f"note: the process of run {run_id} died; saved as interrupted")


def _has_entries(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False
