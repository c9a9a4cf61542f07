"""The `btstore` command: its parts, and the one place where an error meets the user."""

from __future__ import annotations

import os
import sys

import typer

from backtest_store.cli.commands import Commands
from backtest_store.cli.output import ReaderLeftError, tell, write_what_can_be_written
from backtest_store.errors import StoreError

CLOSED_PIPE = 141
INTERRUPTED = 130
LOOKING_AFTER_THE_STORE = ("db", "sync")

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def before(context: typer.Context) -> None:
    """Save every NautilusTrader backtest, and find, compare and reproduce it later."""
    if context.invoked_subcommand not in LOOKING_AFTER_THE_STORE:
        from backtest_store.cli import sync

        sync.save_interrupted()


def main() -> None:
    """Run the command line; print an error and its hint, and exit as the contract says."""
    write_what_can_be_written()
    try:
        app(standalone_mode=True)
    except StoreError as error:
        sys.exit(report(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (BrokenPipeError, ReaderLeftError):
        # Nobody reads any more; Python's own flush at exit would only complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(CLOSED_PIPE)
    except OSError as error:
        sys.exit(report(StoreError(str(error))))


def report(error: StoreError) -> int:
    """Tell the user what happened and what to do, and return the exit code."""
    tell(f"error: {error}")
    if error.hint:
        tell(f"hint: {error.hint}")
    return error.exit_code
