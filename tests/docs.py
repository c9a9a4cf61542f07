"""What the README shows of the shell: made by `make docs`, held to be true by `test_docs.py`.

A `console` block is a tour: each `$` line is run in one fresh store, in order, and the lines under
it are what it prints; the `toml` block is the tour's `sma.toml`. Between the `reference` marks
stands the `--help` of every command.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.testing import CliRunner

from backtest_store.cli.app import app
from backtest_store.store.embedded.server import EmbeddedServer

README = Path(__file__).parents[1] / "README.md"
TOUR = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
CONFIG = re.compile(r"(?<=```toml\n).*?(?=```)", re.DOTALL)
REFERENCE = re.compile(r"(?<=<!-- reference -->\n).*?(?=<!-- /reference -->)", re.DOTALL)
# What differs from one run to the next: ids, wall-clock times, durations.
VOLATILE = re.compile(
    r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?=[a-f]*\d)[0-9a-f]{8}\b"
    r"|\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?\S*|\b\d+\.\d+ ?s\b"
)


def masked(text: str) -> str:
    """Return the text with what differs between runs replaced by dots of the same length."""
    return VOLATILE.sub(lambda match: "." * len(match[0]), text)


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


def _commands(command: object, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    children = getattr(command, "commands", {})
    if not children:
        yield words
    for name, child in children.items():
        yield from _commands(child, (*words, name))


def tour(block: str, home: Path) -> str:
    """Run a block's commands and return the block with what they print now."""
    commands = [line for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"{line}\n{_output(line[2:], home)}" for line in commands)


def _output(command: str, home: Path) -> str:
    environment = {
        "HOME": str(home),
        "BTSTORE_HOME": str(home / "store"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "96",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        ["bash", "-c", command], cwd=home, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def render(readme: str) -> str:
    """Return the README with its tour and its reference made anew."""
    with tempfile.TemporaryDirectory(prefix="btstore-docs-") as folder:
        home = Path(folder)
        home.joinpath("sma.toml").write_text("".join(CONFIG.findall(readme)), "utf-8")
        try:
            readme = TOUR.sub(lambda match: tour(match[0], home), readme)
        finally:
            EmbeddedServer(home / "store").stop()
    return REFERENCE.sub(lambda _: reference(), readme)


if __name__ == "__main__":
    README.write_text(render(README.read_text("utf-8")), "utf-8")
