"""The `btstore` command: its parts, and the one place where an error meets the user."""

from __future__ import annotations

import os
import sys

import typer

from backtest_store.cli import compare, database, demo, history, run, show
from backtest_store.errors import StoreError

CLOSED_PIPE = 141
INTERRUPTED = 130

app = typer.Typer(
    help="Save every NautilusTrader backtest, and find, compare and reproduce it later.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.command("history")(history.history)
app.command("show")(show.show)
app.command("compare")(compare.compare)
app.add_typer(database.app, name="db")


def main() -> None:
    """Run the command line; print an error and its hint, and exit as the contract says."""
    try:
        app(standalone_mode=True)
    except StoreError as error:
        sys.exit(report(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Nobody reads any more; Python's own flush at exit would only complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(CLOSED_PIPE)


def report(error: StoreError) -> int:
    """Tell the user what happened and what to do, and return the exit code."""
    typer.echo(f"error: {error}", err=True)
    if error.hint:
        typer.echo(f"hint: {error.hint}", err=True)
    return error.exit_code
