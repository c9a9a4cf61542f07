"""Scripts that save, and what became of their runs."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from backtest_store.saving import spool
from tests.faults.runs import stored
from tests.waiting import LONG

ROOT = Path(__file__).parents[2]

HEADER = """
import asyncio, logging, multiprocessing, os, signal, sys, threading, time
from backtest_store.saving.save import save_record, save_record_async
from tests.faults.runs import a_run

logging.getLogger("asyncio").setLevel(logging.ERROR)  # a warning is of a busy machine

def save(_=None):
    run = a_run()
    os.write(1, f"{run.run_id} {save_record(run)}\\n".encode())

async def save_async():
    run = a_run()
    os.write(1, f"{run.run_id} {await save_record_async(run)}\\n".encode())
"""

NO_SERVER = "postgresql://reader:hunter2@127.0.0.1:1/store"


def start(code: str, tmp_path: Path) -> "subprocess.Popen[str]":
    """Run a script in Python's development mode, which warns of all that is left open."""
    script = tmp_path / "script.py"
    script.write_text(HEADER + code)
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "ignore:This process:DeprecationWarning", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def said(code: str, tmp_path: Path) -> dict[UUID, str]:
    """Return the runs that a script saved, and what it was told of each; it makes no noise."""
    out, err = start(code, tmp_path).communicate(timeout=LONG)
    assert err == "", err
    return {UUID(line.split()[0]): line.split()[1] for line in out.splitlines()}


def gone(url: str) -> str:
    return urlsplit(url)._replace(path="/no_such_store").geturl()


def kept(url: str, home: Path) -> set[UUID]:
    """Return what is in the store or on its way."""
    return stored(url).keys() | {UUID(path.stem) for path in spool.waiting(home)}
