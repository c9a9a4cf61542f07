"""Run the commands that a page shows."""

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from backtest_store.store.embedded.server import EmbeddedServer
from tests import forked
from tests.disks import quick_disk

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = (README, *sorted(ROOT.glob("docs/*.md")))
TOUR = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
FILE = re.compile(r'```toml title="([\w.]+)"\n(.*?)```', re.DOTALL)
# What differs from one run to the next: ids, wall-clock times, durations.
VOLATILE = re.compile(
    r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{8}\b"
    r"|\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?\S*|\b\d+\.\d+ ?s\b"
)


def masked(text: str) -> str:
    """Return the text with what differs between runs replaced by dots of the same length."""
    return VOLATILE.sub(lambda match: "." * len(match[0]), text)


@contextmanager
def place() -> Iterator[Path]:
    """Give a folder to tour pages in, with a store of its own."""
    with tempfile.TemporaryDirectory(prefix="btstore-docs-", dir=quick_disk()) as folder:
        try:
            yield Path(folder)
        finally:
            EmbeddedServer(Path(folder) / "store").stop()


def toured(page: str, home: Path) -> str:
    """Return a page with what its commands print now; what is as it was keeps its ids and times."""
    if not TOUR.search(page):
        return page
    for name, content in FILE.findall(page):
        home.joinpath(name).write_text(content, "utf-8")
    if home.joinpath("store").exists():
        with psycopg.connect(EmbeddedServer(home / "store").start()) as connection:
            connection.execute("DELETE FROM backtest_runs")
    return TOUR.sub(lambda match: _tour(match[0], home), page)


def _tour(block: str, home: Path) -> str:
    commands = [line for line in block.splitlines() if line.startswith("$ ")]
    now = "".join(f"{line}\n{_output(line[2:], home)}" for line in commands)
    return block if masked(now) == masked(block) else now


def _output(command: str, home: Path) -> str:
    """Run a command of ours, and what its output is piped into."""
    environment = {
        "HOME": str(home),
        "BTSTORE_HOME": str(home / "store"),
        "PATH": os.environ["PATH"],
        "COLUMNS": "96",
        "NO_COLOR": "1",
    }
    ours, _, others = command.partition(" | ")
    program, *words = shlex.split(ours)
    assert program == "btstore"
    done = forked.btstore(*words, cwd=home, env=environment)
    piped = subprocess.run(
        ["bash", "-c", others or "cat"], cwd=home, env=environment, input=done.stdout,
        stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    return piped.stdout + done.stderr
