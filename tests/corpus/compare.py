"""Run a script alone and under `btstore exec`, and compare all that a user sees."""

import re
import shutil
from difflib import unified_diff
from pathlib import Path

from tests.runner.test_exec import btstore, count_in, python, without_count

SCRIPTS = Path(__file__).parent / "scripts"
CHANCE = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # ids
    r"|\b0x[0-9a-f]+\b"  # addresses
    r"|20(?:2[5-9]|[3-9]\d)-\d\d-\d\d[T ][\d:.]+(?:Z|\+00:00)?"  # the time of day
    r"|\d+(?:ns|μs|ms)\b|Elapsed time:   .*"  # how long it took
    r"|.*(?:RAM-|Swap-|PID).*"  # the machine
    r"|tmp\w+|\bpid=\d+"  # temporary folders, and processes
)
LOGGED = re.compile(r"\S+ \S*\[(?:DEBUG|INFO|WARN|WARNING|ERROR)\]|\*$")
# How many runs each makes that makes more than one; a failed one counts.
RUNS = {
    "chance": 2, "engines": 3, "fees": 2, "fx_quotes": 2, "node": 2, "node_settings": 2,
    "order_books": 2, "pool": 2, "resets": 3, "stops": 3, "timers": 2, "workers": 4,
}  # fmt: skip


def masked(output: str) -> list[str]:
    """Return the lines of an output, chance left out; the engine's log mixes with a traceback."""
    return sorted(CHANCE.sub("*", output).splitlines())


def printed(output: str) -> tuple[list[str], list[str]]:
    """Return what the engine logged, from a thread of its own, and what the script printed."""
    lines = CHANCE.sub("*", output).splitlines()
    logged = [line for line in lines if LOGGED.match(line)]
    return logged, [line for line in lines if not LOGGED.match(line)]


def compare(script: Path, folder: Path, runs: int = 1) -> str:
    """Make sure that a script does the same under `btstore exec`, and that its runs are recorded.

    Return what it prints.
    """
    path = Path(shutil.copy(script, folder))
    alone, ran = (
        python(path, "an", "argument", cwd=folder),
        btstore(path, "an", "argument", cwd=folder),
    )
    assert ran.returncode == alone.returncode, ran.stderr
    pairs = [*zip(printed(alone.stdout), printed(ran.stdout), strict=True)]
    pairs.append((masked(alone.stderr), masked(without_count(ran.stderr))))
    for without, beside in pairs:
        assert beside == without, "\n".join(unified_diff(without, beside, lineterm="", n=0))
    assert count_in(ran.stderr) == str(runs)
    return ran.stdout
