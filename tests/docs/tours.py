"""Run the commands that a page shows."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from backtest_store.store.embedded.server import EmbeddedServer
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


def toured(page: str) -> str:
    """Return a page with what its commands print now; what is as it was keeps its ids and times."""
    if not TOUR.search(page):
        return page
    with tempfile.TemporaryDirectory(prefix="btstore-docs-", dir=quick_disk()) as folder:
        home = Path(folder)
        for name, content in FILE.findall(page):
            home.joinpath(name).write_text(content, "utf-8")
        try:
            return TOUR.sub(lambda match: _tour(match[0], home), page)
        finally:
            EmbeddedServer(home / "store").stop()


def _tour(block: str, home: Path) -> str:
    commands = [line for line in block.splitlines() if line.startswith("$ ")]
    now = "".join(f"{line}\n{_output(line[2:], home)}" for line in commands)
    return block if masked(now) == masked(block) else now


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
