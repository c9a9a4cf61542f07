"""Standard output, whose reader may leave before the end, as `head` does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from io import TextIOWrapper
from typing import TypeVar

import typer

T = TypeVar("T")


class ReaderLeftError(Exception):
    """Nobody reads standard output any more.

    It is no OSError: that would look like a lost connection, and Typer has its own idea of it.
    """


def write_what_can_be_written() -> None:
    """Have characters that a terminal's encoding lacks written as escapes, not raise an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def tell(text: str) -> None:
    """Write lines to standard error, with nothing in them that a terminal would act on."""
    from backtest_store.cli.cells import printable

    typer.echo("\n".join(map(printable, text.split("\n"))), err=True)


class StandardOutput:
    """What formats write to."""

    def write(self, text: str) -> int:
        """Write a text."""
        return _heard(lambda: sys.stdout.write(text))

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts one after another."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Let everything out."""
        _heard(sys.stdout.flush)

    def isatty(self) -> bool:
        """Say whether it is a terminal."""
        return sys.stdout.isatty()


def _heard(act: Callable[[], T]) -> T:
    try:
        return act()
    except BrokenPipeError as error:
        raise ReaderLeftError from error
