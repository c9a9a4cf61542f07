"""What `--help` says of a command is what the command says of itself, and shows how to use it."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from backtest_store.cli import command_list as commands
from backtest_store.cli.app import app
from backtest_store.cli.command_list import COMMANDS
from backtest_store.cli.options import with_filters, with_options
from backtest_store.runs.expressions.asked_filters import Filters
from backtest_store.runs.filters import FILTERS, Filter
from backtest_store.store.sql import condition
from tests.shell import btstore

READING = ["history", "show", "compare", "trend", "strategies", "delete", "export", "import"]


def group() -> commands.Commands:
    found = typer.main.get_command(app)
    assert isinstance(found, commands.Commands)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says(name: str) -> None:
    described = group().get_command(None, name).help or ""
    listed = btstore("--help").out.partition("Commands:")[2]
    (said,) = re.findall(rf"^  {name} +(.*(?:\n {{8,}}.*)*)", listed, re.MULTILINE)
    assert " ".join(said.split()) == " ".join(described.partition("\n\n")[0].split())


def leaves(command: Any, *words: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each command that has none below it, with the words that call it."""
    below = getattr(command, "commands", {})
    if not below:
        yield words, command
    for name in below:
        yield from leaves(command.get_command(None, name), *words, name)


LEAVES = dict(leaves(group()))


def examples(words: Sequence[str]) -> list[str]:
    """Return the examples in a command's help, as it is printed where there is little room."""
    out = btstore(*words, "--help").out
    assert max(map(len, out.splitlines())) <= 80
    return [line.strip() for line in out.partition("Examples:\n")[2].splitlines() if line.strip()]


def typed(example: str) -> list[str]:
    """Return the words that a shell hands to `btstore` in an example."""
    _, _, command = re.sub(r'"\$\((.*)\)"', r"| \1", example).rpartition("btstore ")
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|>")
    lexer.whitespace_split = True
    return list(takewhile(lambda word: word not in {"|", ">"}, lexer))


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_help_has_two_examples_that_the_command_understands(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    found = examples(words)
    assert len(found) == 2
    for example in found:
        asked = typed(example)
        assert tuple(asked[: len(words)]) == words
        LEAVES[words].make_context("btstore", asked[len(words) :]).close()


def test_examples_of_commands_that_read_are_good_usage(store_url: str) -> None:
    for words in LEAVES:
        if words[0] in READING:
            for example in examples(words):
                asked = typed(example)
                if not {"runs.jsonl", "import"} & {*asked}:
                    assert btstore(*asked).code in {0, 3}, example


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
    modules = {place.partition(":")[0] for place in COMMANDS.values()}
    assert not loaded & (modules - {"history", "sync"})


def test_help_imports_nothing_that_a_command_works_with() -> None:
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
    assert not {"asyncio", "asyncpg", "tabulate"} & loaded
    shell = {name for name in loaded if name.startswith("backtest_store.cli")}
    rest = {name for name in loaded if name.startswith("backtest_store")} - shell
    asked = {
        f"backtest_store.runs{part}"
        for part in ("", ".expressions", ".expressions.asked_filters", ".luck")
    }
    words = {"backtest_store.statistics"}  # the package alone, as that of luck
    assert rest == {"backtest_store", "backtest_store.errors", *asked, *words}


@pytest.mark.parametrize("words", [[], ["history"], ["db"]])
def test_help_is_as_wide_as_the_terminal_but_readable(
    monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    for columns, widest in ((80, 80), (100, 100), (300, 110)):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = btstore(*words, "--help").out.splitlines()
        assert widest - 25 < max(map(len, lines)) <= widest


def test_a_new_filter_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    starred = Filter(
        "starred", "--starred", "YES", "Only starred runs.", lambda yes: condition("status", yes)
    )
    monkeypatch.setitem(FILTERS, "starred", starred)
    got: list[Filters] = []

    @with_filters()
    def listing(*, filters: Filters) -> None:
        got.append(filters)

    app = typer.Typer(rich_markup_mode=None)
    app.command()(with_options(listing))
    shown = CliRunner().invoke(app, ["--help"]).output
    assert re.search(r"--starred YES +Only starred runs\.", shown)
    assert CliRunner().invoke(app, ["--starred", "yes", "--tag", "a", "--tag", "b"]).exit_code == 0
    assert [(c.name, c.values) for c in got[0].conditions] == [
        ("tag", (["a"],)),
        ("tag", (["b"],)),
        ("status", ("yes",)),
    ]


@pytest.mark.parametrize("asked", FILTERS.values(), ids=lambda asked: asked.name)
def test_every_filter_is_an_option_of_every_list(asked: Filter) -> None:
    for name in ("history", "strategies", "export"):
        shown = " ".join(btstore(name, "--help").out.split())
        assert asked.option in shown
        assert asked.help in shown.replace("- ", "-")
