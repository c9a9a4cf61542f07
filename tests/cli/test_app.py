"""Errors meet the user in one place, and exit codes are the contract's."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.shell import btstore

READING = [["history"], ["show", "@latest"], ["compare", "@latest", "@latest~1"], ["db", "status"]]
SECRET = "geheim"  # noqa: S105 - planted, to be looked for in what is printed
HEAVY = {"asyncpg", "pydantic", "yoyo", "psycopg", "rich", "pandas", "pyarrow", "nautilus_trader"}


@pytest.mark.parametrize("words", READING)
def test_an_unreachable_store_costs_two_lines(
    home: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", f"postgresql://me:{SECRET}@127.0.0.1:1/store")
    answer = btstore(*words)
    assert answer.code == 4
    assert answer.out == ""
    error, hint = answer.err.splitlines()
    assert error.startswith("error: cannot reach PostgreSQL at 127.0.0.1:1: connection refused")
    assert hint.startswith("hint: ")
    assert SECRET not in answer.err


@pytest.mark.parametrize("words", READING[:3])
def test_a_store_without_schema_exits_5(unmigrated_url: str, words: list[str]) -> None:
    answer = btstore(*words)
    assert answer.code == 5
    assert "btstore db migrate" in answer.err


def test_an_empty_store_is_no_error(store_url: str) -> None:
    answer = btstore("history")
    assert (answer.code, answer.out) == (0, "")
    assert "no runs yet" in answer.err


@pytest.mark.parametrize("run", ["nonsense", "abcd", "@latest", "0" * 32])
def test_an_unknown_run_exits_3(store_url: str, run: str) -> None:
    answer = btstore("show", run)
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("error: ")


def test_an_unknown_option_exits_2(home: Path) -> None:
    assert btstore("history", "--colour").code == 2


def loaded_by(*words: str) -> set[str]:
    """Return the packages that a command has loaded when it is done."""
    program = (
        "import sys; sys.argv = ['btstore', *sys.argv[1:]]\n"
        "from backtest_store.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


def test_help_loads_next_to_nothing(home: Path) -> None:
    assert not loaded_by("--help") & (HEAVY | {"structlog", "tabulate"})


@pytest.mark.parametrize("words", READING[:3])
def test_reading_loads_asyncpg_and_no_more(store_url: str, words: list[str]) -> None:
    assert loaded_by(*words) & (HEAVY | {"structlog"}) == {"asyncpg"}


def test_an_error_shows_what_was_given_without_obeying_it(home: Path) -> None:
    answer = btstore("run", "\x07strategy\u202e")
    assert answer.code == 2
    assert answer.err.startswith(r"error: \x07strategy\u202e is not a config file")
