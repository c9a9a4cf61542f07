"""`btstore sync`: save what is waiting in the spool; and, before any command, runs that died."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backtest_store.cli.options import examples
from backtest_store.cli.output.streams import print_message

if TYPE_CHECKING:
    from backtest_store.saving.sync import Counts
    from backtest_store.store.settings import Settings

UNSAVED = 1
MOST_BEFORE_A_COMMAND = 300  # runs that died: more would hold the command up
EMBEDDED = "embedded"
EXAMPLES = examples(
    "btstore sync",
    "btstore sync --to postgresql://me@host/database --abandoned",
)
OUTCOMES = {
    "saved": "saved",
    "already_there": "already in the store",
    "set_aside": "set aside in spool/aside, since they cannot be read",
    "rejected": "rejected by the database",
    "left": "still waiting",
    "elsewhere": "waiting for another store, which `btstore db status` names; --to saves them here",
}
ToOption = Annotated[
    str | None,
    typer.Option(
        metavar="STORE",
        help="Save everything that waits, whichever store it was meant for, in this one: "
        "embedded, or a URL without a password.",
    ),
]
AbandonedOption = Annotated[
    bool,
    typer.Option("--abandoned", help="Also save runs begun on machines that no longer exist."),
]


def sync(*, to: ToOption = None, abandoned: AbandonedOption = False) -> None:
    """Save the runs that wait in the spool for this store."""
    import asyncio
    from dataclasses import asdict

    from backtest_store.cli.spinner import spinner
    from backtest_store.saving import crash_journal, save
    from backtest_store.store.connecting.connection import connect

    settings = _destination(to)

    async def save_all() -> Counts:
        async with connect(settings):  # a store that is down is told of also when nothing waits
            pass
        return await save.save_waiting(settings, of_any_store=to is not None)

    if abandoned:
        crash_journal.collect(settings.home, elsewhere=True)
    with spinner():
        counts = asdict(asyncio.run(save_all()))
    _report(counts, settings.home / "spool" / "rejected")
    if counts["rejected"] or counts["set_aside"]:
        raise typer.Exit(UNSAVED)


def _report(counts: dict[str, int], rejected: Path) -> None:
    for outcome, meaning in OUTCOMES.items():
        if counts[outcome]:
            print_message(f"{counts[outcome]:,} {meaning}")
    if not any(counts.values()):
        print_message("nothing is waiting")
    if counts["rejected"]:
        print_message(f"the files and the reasons are in {rejected}")


def _destination(to: str | None) -> Settings:
    """Return the store that is to have what waits; credentials are the environment's affair."""
    from backtest_store.errors import UsageError
    from backtest_store.store.connecting import database_url
    from backtest_store.store.settings import URL_SCHEMES, Settings

    settings = Settings.from_environment()
    if to is None:
        return settings
    if to == EMBEDDED:
        return replace(settings, database_url=None)
    if not to.startswith(URL_SCHEMES):
        raise UsageError(f"--to takes {EMBEDDED} or a URL that begins with {URL_SCHEMES[0]}")
    try:
        said = database_url.parse(to)
    except UsageError as error:  # it is told without quoting what may be a password
        raise UsageError(
            str(error).replace("BTSTORE_DATABASE_URL", "--to"), hint=error.hint
        ) from None
    if said.password or database_url.SECRET_PARAMETERS & said.parameters.keys():
        raise UsageError(
            "--to takes a URL without a password: others can read a command line",
            hint="put the password into PGPASSWORD or ~/.pgpass",
        )
    return replace(settings, database_url=to)


def save_interrupted() -> None:
    """Save the runs whose process died, if there are any; the command itself matters more."""
    import asyncio

    from backtest_store.errors import StoreError
    from backtest_store.store.settings import Settings

    settings = Settings.from_environment()
    if not _has_entries(settings.home / "journal"):
        return
    from backtest_store.saving import crash_journal, save

    try:
        died = crash_journal.collect(settings.home, most=MOST_BEFORE_A_COMMAND)
        saved = asyncio.run(save.save_waiting(settings, collect=False)).saved if died else 0
    except (StoreError, OSError):
        return  # the command says what is wrong with the store; the runs wait in the spool
    if saved:
        runs = f"run {died[0]}" if len(died) == 1 else f"{len(died):,} runs"
        print_message(f"note: the process of {runs} died; see history --status interrupted")


def _has_entries(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False
