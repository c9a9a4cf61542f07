"""What the tests of the embedded server share."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from backtest_store.store.embedded.server import EmbeddedServer

MakeServer = Callable[[Path], EmbeddedServer]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="macOS has no /proc")
START = """
import os, sys
from pathlib import Path
from backtest_store.store.embedded.server import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
"""


def ask(server: EmbeddedServer, query: str) -> object:
    """Return the one value that a query gives."""
    with psycopg.connect(server.url(), connect_timeout=5) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def python(
    code: str, *arguments: str | Path, inside: Sequence[str] = ()
) -> "subprocess.Popen[str]":
    """Run Python code in a session of its own, with `server` there for the first argument."""
    return subprocess.Popen(
        [*inside, sys.executable, "-c", START + code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@contextmanager
def furnished(home: Path, cluster: Path) -> Iterator[EmbeddedServer]:
    """Give a server whose cluster is there already, and stop it afterwards."""
    home.mkdir(mode=0o700, parents=True)
    shutil.copytree(cluster, home / "pgdata")
    server = EmbeddedServer(home)
    try:
        yield server
    finally:
        server.stop()
