"""The question before something is lost for good."""

from __future__ import annotations

import sys

import typer

from backtest_store.cli.output.streams import print_message
from backtest_store.errors import StoreError

NOT_CONFIRMED = 1


def require_yes(question: str) -> None:
    """Ask on standard error, and go on only if the answer on standard input is yes."""
    typer.echo(f"{question} [y/N] ", nl=False, err=True)
    answer = "" if sys.stdin is None else sys.stdin.readline()
    if not answer:
        typer.echo(err=True)
        raise StoreError("no answer; nothing changed", hint="use --yes to skip the question")
    if answer.strip().lower() not in {"y", "yes"}:
        print_message("nothing changed")
        raise typer.Exit(NOT_CONFIRMED)
