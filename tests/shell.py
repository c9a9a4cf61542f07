"""Type a command and read what comes back."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from backtest_store.cli.app import main


class Answer(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


def lines_about(home: Path, err: str) -> list[str]:
    """Return the lines of standard error that tell of a home: each test has one of its own."""
    return [line for line in err.splitlines() if str(home) in line]


def btstore(*words: str, typed: str = "") -> Answer:
    """Run a command in this process, as the entry point would; `typed` answers its questions."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        mock.patch.object(sys, "argv", ["btstore", *words]),
        mock.patch.object(sys, "stdin", io.StringIO(typed)),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as done:
            code = done.code
    return Answer(
        code if isinstance(code, int) else int(code is not None), out.getvalue(), err.getvalue()
    )
