"""What of the documentation is made from the code."""

import ast
import re
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.testing import CliRunner

import backtest_store
from backtest_store import errors
from backtest_store.cli.app import app
from backtest_store.models import METRIC_FIELDS
from backtest_store.runs.filters import FILTERS
from backtest_store.store.sql import folder
from tests.docs.page_commands import TOUR

PACKAGE = Path(backtest_store.__file__).parent
COMMENT = re.compile(
    r"COMMENT ON COLUMN (?:performance_metrics|periods)\.(\w+) IS\s+'((?:[^']|'')*)'"
)
PICTURE_LINES = 22


def filled(page: str) -> str:
    """Return a page with what is made from the code between its marks."""
    for name, make in REGIONS.items():
        region = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)
        if region.search(page):
            page = region.sub(make().replace("\\", r"\\"), page)
    return page


def reference() -> str:
    """Return the `--help` of every command."""
    pages = (f"```text\n$ btstore {name} --help\n{page}```\n" for name, page in _helps())
    return "\n" + "\n".join(pages) + "\n"


def _helps() -> Iterator[tuple[str, str]]:
    runner = CliRunner(env={"COLUMNS": "96", "TERM": "dumb", "NO_COLOR": "1"})
    for words in _commands(typer.main.get_command(app), ()):
        yield (
            " ".join(words),
            runner.invoke(app, [*words, "--help"], prog_name="btstore").output.strip() + "\n",
        )


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    children = getattr(command, "commands", {})
    if not children:
        yield words
    for name in children:
        yield from _commands(command.get_command(None, name), (*words, name))


def filters() -> str:
    """Return a table of the filters."""
    rows = [f"| `{f.option} {f.metavar}` | {_cell(f.help)} |" for f in FILTERS.values()]
    return "\n".join(["", "| option | |", "|---|---|", *rows, "", ""])


def metrics() -> str:
    """Return a table of the metrics, with what the schema says of each."""
    text = "".join(path.read_text("utf-8") for path in _migrations())
    meanings = {name: meaning.replace("''", "'") for name, meaning in COMMENT.findall(text)}
    rows = [
        f"| `{name}` | {field['unit']} | {field['best'] or '–'} | {_cell(meanings[name])} |"
        for name, field in METRIC_FIELDS.items()
    ]
    return "\n".join(
        ["", "| metric | unit | better | meaning |", "|---|---|---|---|", *rows, "", ""]
    )


def _migrations() -> Iterator[Path]:
    for path in sorted(Path(str(folder("migrations"))).glob("*.sql")):
        if not path.name.endswith(".rollback.sql"):
            yield path


def error_table() -> str:
    """Return a table of the errors that the code raises, by their texts."""
    found = sorted({row for path in sorted(PACKAGE.rglob("*.py")) for row in _errors(path)})
    rows = [f"| {_cell(text)} | {_cell(hint)} | {code} |" for text, hint, code in found]
    return "\n".join(["| error | what to do | exit code |", "|---|---|---|", *rows])


def _errors(path: Path) -> Iterator[tuple[str, str, int]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        is_of_config = name in {"UnfitError", "refuse"}
        kind = errors.UsageError if is_of_config else getattr(errors, name, None)
        if kind is None or not node.args or len(text := _text(node.args[0]).strip()) < 2:
            continue
        hints = [_text(k.value) for k in node.keywords if k.arg == "hint"]
        yield text, "".join(hints), kind.exit_code


def _text(node: ast.expr) -> str:
    """Return a text as it is written, with … for what is put into it."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    return "…"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def picture(readme: str) -> str:
    """Return the beginning of the README's tour as the picture of a terminal."""
    (tour,) = TOUR.findall(readme)
    console = Console(record=True, width=96, file=StringIO(), force_terminal=True)
    for line in tour.splitlines()[:PICTURE_LINES]:
        console.print(Text(line, style="bold green" if line.startswith("$ ") else ""))
    return console.export_svg(title="btstore", unique_id="btstore")


REGIONS: dict[str, Callable[[], str]] = {
    "reference": reference,
    "filters": filters,
    "metrics": metrics,
}
