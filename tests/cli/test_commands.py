"""What `--help` says of a command is what the command says of itself, and shows how to use it."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import takewhile

import pytest
import typer

from backtest_store.cli import commands
from backtest_store.cli.app import app
from backtest_store.cli.commands import COMMANDS
from tests.shell import btstore

READING = ["history", "show", "compare", "trend", "strategies", "delete", "export", "import"]


def group() -> commands.Commands:
    found = typer.main.get_command(app)
    assert isinstance(found, commands.Commands)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says(name: str) -> None:
    described = group().commands[name].help or ""
    assert " ".join(described.partition("\n\n")[0].split()) == COMMANDS[name]


def examples(help_text: str) -> Iterator[list[str]]:
    """Yield the words of each example as a shell hands them to the command."""
    _, _, listed = help_text.partition("Examples:\n")
    for line in filter(str.strip, listed.splitlines()):
        lexer = shlex.shlex(line.strip(), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
        yield list(takewhile(lambda word: word not in {"|", ">"}, words[words.index("btstore") :]))


@pytest.mark.parametrize("name", READING)
def test_help_has_two_examples_that_the_command_understands(store_url: str, name: str) -> None:
    found = list(examples(btstore(name, "--help").out))
    assert len(found) == 2
    for program, *words in found:
        assert [program, words[0]] == ["btstore", name]
        if not {"runs.jsonl", "-"} & set(words):
            assert btstore(*words).code != 2, words


def test_a_command_that_there_is_not_exits_2() -> None:
    answer = btstore("hystory")
    assert answer.code == 2
    assert "hystory" in answer.err


def test_a_command_imports_no_other_command() -> None:
    program = (
        "import sys; sys.argv = ['btstore', 'history', '--help']\n"
        "from backtest_store.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*(n for n in sys.modules if n.startswith('backtest_store.cli.')), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {name.rpartition(".")[2] for name in done.stderr.split()}
    assert "history" in loaded
    assert not loaded & ({*COMMANDS, *commands.MODULES.values()} - {"history", "sync"})


def test_help_imports_no_command_at_all() -> None:
    program = (
        "import sys; sys.argv = ['btstore', '--help']\n"
        "from backtest_store.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split())
    assert not {f"backtest_store.cli.{name}" for name in COMMANDS} & loaded
    assert not {"asyncio", "asyncpg", "tabulate", "backtest_store.models"} & loaded
