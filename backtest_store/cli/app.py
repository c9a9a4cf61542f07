"""The `btstore` command: its parts, and the one place where an error meets the user."""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from backtest_store.cli.command_list import HELP_NAMES, Commands
from backtest_store.cli.output.streams import (
    ReaderLeftError,
    escape_unencodable,
    open_closed_streams,
    print_message,
)
from backtest_store.errors import StoreError, UsageError

NAME = "btstore"
CLOSED_PIPE = 141
INTERRUPTED = 130
ABORTED = 1
WIDEST_HELP = 110  # of a terminal that has room for it
MAINTENANCE_COMMANDS = ("db", "sync")

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=HELP_NAMES | {"max_content_width": WIDEST_HELP},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer's signature
    if wanted:
        from importlib.metadata import version

        typer.echo(f"backtest-store {version('backtest-store')}")
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option(
        "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
    ),
]


@app.callback()
def before_command(context: typer.Context, *, version: VersionOption = False) -> None:  # noqa: ARG001
    """Save every NautilusTrader backtest, and find, compare and reproduce it later."""
    if context.invoked_subcommand not in MAINTENANCE_COMMANDS:
        from backtest_store.cli.commands import sync

        sync.save_interrupted()


def entry() -> None:
    """Run the command line as a process of its own."""
    open_closed_streams()
    try:
        main()
    finally:
        # Python looks through all that is loaded for garbage before it ends; nothing here needs it.
        gc.freeze()


def main() -> None:
    """Run the command line; print an error and its hint, and exit as the contract says."""
    escape_unencodable()
    try:
        sys.exit(app(prog_name=NAME, standalone_mode=False))
    except StoreError as error:
        sys.exit(report(error))
    except TyperException as error:
        sys.exit(report_usage(error))
    except typer.Abort:
        sys.exit(ABORTED)
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
    print_message(f"error: {error}")
    if error.hint:
        print_message(f"hint: {error.hint}")
    return error.exit_code


def report_usage(error: TyperException) -> int:
    """Say what is wrong with the command line, or how to write one, and return the exit code."""
    message = error.format_message().replace("int range", "integer")
    if message.startswith("Usage:"):
        print_message(message)
        return UsageError.exit_code
    context = getattr(error, "ctx", None)  # only errors in a known command have one
    command = context.command_path if context else NAME
    hint = f"{command} --help says how to use it"
    return report(UsageError(message[:1].lower() + message[1:].removesuffix("."), hint=hint))
