"""On a real terminal, a pseudo one: width, colour, sparklines and signs of life."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from datetime import timedelta

import pytest

from backtest_store.cli.output import terminal_text
from tests.factories import STARTED, make_record, store_at

MAIN = "from backtest_store.cli.app import entry; entry()"
SLOW = (
    "from backtest_store.cli import spinner; import time\nwith spinner.spinner(): time.sleep(1.5)"
)


def on_terminal(
    program: str,
    *words: str,
    columns: int = 100,
    on_output: Callable[[str], object] = str,
    **environment: str,
) -> str:
    """Run a program with a terminal of so many columns for all its streams.

    `on_output` is called with each piece of what it writes.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    variables = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "NO_COLOR"}}
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=variables | {"TERM": "xterm"} | environment,
    )
    os.close(theirs)
    pieces = []
    while piece := _read(ours):
        pieces.append(piece)
        on_output(piece.decode(errors="replace"))
    os.close(ours)
    process.wait()
    return b"".join(pieces).decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # what Linux says when the last of the other side is closed
        return b""


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.fixture
def runs(store_url: str) -> None:
    """Store a failed run and some good ones over three months."""
    store_at(
        store_url,
        make_record(status="failed", strategy_name="Strategy"),
        *(
            make_record(
                started_at=STARTED + timedelta(days=31 * n),
                strategy_name="Strategy",
                sharpe_ratio=float(n),
                total_return=0.1 - 0.1 * n,
            )
            for n in range(3)
        ),
    )


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("columns", [80, 132, 200])
@pytest.mark.parametrize(
    "words",
    [["history"], ["show", "@latest"], ["compare", "@latest", "@latest~1"], ["trend", "Strategy"]],
)
def test_nothing_is_wider_than_the_terminal(words: list[str], columns: int) -> None:
    lines = plain(on_terminal(MAIN, *words, columns=columns)).splitlines()
    tables = [line for line in lines if not line.startswith("first ")]
    assert max(map(terminal_text.width, tables)) <= columns


@pytest.mark.usefixtures("runs")
def test_failures_losses_and_the_best_stand_out() -> None:
    assert "\x1b[31mfailed" in on_terminal(MAIN, "history")
    compared = on_terminal(MAIN, "compare", "@latest", "@latest~1")
    assert "\x1b[32m*2.00" in compared
    assert not re.search(r"\x1b", on_terminal(MAIN, "history", NO_COLOR="1"))


@pytest.mark.usefixtures("runs")
def test_a_trend_has_a_sparkline_on_a_terminal() -> None:
    assert re.search(
        "median sharpe.*▁▅█|median sharpe.*[▁▂▃▄▅▆▇█]{3}", on_terminal(MAIN, "trend", "Strategy")
    )


@pytest.mark.parametrize(
    ("environment", "alive"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_what_takes_long_shows_that_it_lives(environment: dict[str, str], *, alive: bool) -> None:
    shown = on_terminal(SLOW, columns=80, on_output=str, **environment)
    assert bool(re.search("[⠋⠙⠹⠸]", shown)) == alive
    if alive:
        assert shown.endswith("\r \r")
    else:
        assert shown == ""


def test_what_is_quick_shows_nothing() -> None:
    assert on_terminal(SLOW.replace("1.5", "0.1")) == ""


def test_the_sign_of_life_ends_before_anything_is_printed() -> None:
    program = (
        f"{SLOW}; from backtest_store.cli.output.streams import StandardOutput as Out; "
        "Out().write('first '); time.sleep(0.3); Out().write('second\\n')"
    )
    assert on_terminal(program).endswith("\r \rfirst second\n")


def test_what_is_said_is_broken_between_words_but_not_a_hint_or_what_is_laid_out() -> None:
    said = "note: what is said of runs, in words\nhint: btstore compare 3f2a 77c1 9e05 ab12"
    laid_out = "  sharpe_ratio >> 1 and fast_period > 10"
    program = (
        "from backtest_store.cli.output.streams import print_message; "
        f"print_message({said + chr(10) + laid_out!r})"
    )
    assert on_terminal(program, columns=20).splitlines() == [
        "note: what is said",
        "  of runs, in words",
        said.split("\n")[1],
        laid_out,
    ]


@pytest.mark.usefixtures("runs")
def test_a_question_waits_for_its_answer() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, "delete", "@latest"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as asking:
        os.close(theirs)
        asked = b""
        while not asked.endswith(b"[y/N] "):
            asked += _read(ours)
        os.write(ours, b"y\n")
        answered = b""
        while piece := _read(ours):
            answered += piece
        assert asking.wait() == 0
    os.close(ours)
    assert answered.endswith(b"deleted 1 run\r\n")
