"""Standard output, whose reader may leave before the end, as `head` does."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import ClassVar, TextIO, TypeVar

from backtest_store.cli.output.terminal_text import printable, shorten, terminal_width, wrapped

T = TypeVar("T")
LONGEST_LINE = 4000


class ReaderLeftError(Exception):
    """Nobody reads standard output any more.

    It is no OSError: that would look like a lost connection, and Typer has its own idea of it.
    """


def open_closed_streams() -> None:
    """Give output that was closed, as by `2>&-`, somewhere to go: it is nobody's concern.

    Else a file or connection of ours gets its number, and what is printed gets into that.
    Standard input stays closed to whoever asks for it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        if name != "stdin" and getattr(sys, name) is None:
            setattr(sys, name, open(number, "w", closefd=False, encoding="utf-8"))  # noqa: SIM115


def escape_unencodable() -> None:
    """Have characters that a terminal's encoding lacks written as escapes, not raise an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def kept_for_data() -> Iterator[TextIO]:
    """Have what an engine logs and a strategy prints on standard error; yield where data goes.

    An engine's logger has a thread of its own, which may write after all is run: print the data
    before this ends.
    """
    printed = sys.stdout
    if printed is not sys.__stdout__ or not isinstance(printed, TextIOWrapper):
        yield printed  # whoever put another there reads it in this process
        return
    printed.flush()
    data = os.fdopen(os.dup(1), "w", encoding=printed.encoding, errors=printed.errors)
    os.dup2(2, 1)
    try:
        yield data
    finally:
        printed.flush()
        os.dup2(data.fileno(), 1)
        with suppress(BrokenPipeError):  # which was raised before
            data.close()


def print_message(text: str) -> None:
    """Say something on standard error, after all that was printed so far.

    None of it acts on a terminal, however it got in there. Prose is broken between words there; a
    hint is not, as a command in it is copied, nor a line that is laid out.
    """
    _stop_what_moves()
    with suppress(ReaderLeftError):
        StandardOutput().flush()
    is_terminal = sys.stderr.isatty()
    for line in text.split("\n"):
        shown = shorten(printable(line), LONGEST_LINE)
        if is_terminal and not shown.startswith(("hint:", " ")):
            shown = "\n  ".join(wrapped(shown, terminal_width() - 2))
        sys.stderr.write(shown + "\n")


class StandardOutput:
    """What formats write to.

    `before_writing` is called once, before the first of it: what moves on a terminal stops then.
    """

    before_writing: ClassVar[list[Callable[[], None]]] = []

    def write(self, text: str) -> int:
        """Write a text."""
        _stop_what_moves()
        return _unless_reader_left(lambda: sys.stdout.write(text))

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts one after another."""
        for line in lines:
            self.write(line)

    def write_bytes(self, content: bytes) -> None:
        """Write what is no text."""
        _stop_what_moves()
        _unless_reader_left(sys.stdout.flush)
        _unless_reader_left(lambda: sys.stdout.buffer.write(content))

    def flush(self) -> None:
        """Let everything out."""
        _unless_reader_left(sys.stdout.flush)

    def isatty(self) -> bool:
        """Say whether it is a terminal."""
        return sys.stdout.isatty()


def _stop_what_moves() -> None:
    while StandardOutput.before_writing:
        StandardOutput.before_writing.pop()()


def _unless_reader_left(act: Callable[[], T]) -> T:
    try:
        return act()
    except BrokenPipeError as error:
        raise ReaderLeftError from error
