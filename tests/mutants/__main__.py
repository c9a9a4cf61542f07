"""Put each wrong into a copy of the tree and run the tests that it names: `make mutants`.

Before any wrong, the same tests must pass in the copy: else they would notice anything.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tabulate import tabulate

from tests.mutants.mutant_list import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
SECONDS = 1800
FAILED = 1  # pytest's exit code where tests ran and some failed


def copied(place: Path) -> Path:
    """Copy what git knows of the tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    return place


def tested(tree: Path, tests: Sequence[str]) -> int:
    """Run tests in a copy of the tree, whose package comes before the installed one."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
    path = {"PYTHONPATH": str(tree), "HYPOTHESIS_STORAGE_DIRECTORY": str(tree / ".hypothesis")}
    try:
        return subprocess.run(
            [*command, *tests],
            cwd=tree,
            env={**os.environ, **path},
            capture_output=True,
            timeout=SECONDS,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return FAILED


def verdict(tree: Path, mutant: Mutant) -> str:
    """Say whether the tests notice the wrong."""
    file = tree / mutant.file
    right = file.read_text("utf-8")
    if right.count(mutant.right) != 1:
        return f"outdated: {right.count(mutant.right)} places"
    file.write_text(right.replace(mutant.right, mutant.wrong), "utf-8")
    try:
        code = tested(tree, mutant.tests)
    finally:
        file.write_text(right, "utf-8")
    return {0: "SURVIVED", FAILED: "caught"}.get(code, f"not tested: pytest exits {code}")


def main() -> int:
    """Print the table; fail if one survives."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="those with this in their name")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    options = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if options.only in mutant.name]
    with tempfile.TemporaryDirectory() as place:
        trees: SimpleQueue[Path] = SimpleQueue()
        for job in range(options.jobs):
            trees.put(copied(Path(place) / str(job)))
        sys.stderr.write("the tests without any wrong …\n")
        if tested(tree := trees.get(), sorted({test for m in chosen for test in m.tests})):
            sys.stderr.write("they fail by themselves, so nothing can be said\n")
            return 1
        trees.put(tree)

        def judge(mutant: Mutant) -> tuple[str, str, float]:
            tree, begun = trees.get(), time.monotonic()
            try:
                said = verdict(tree, mutant)
            finally:
                trees.put(tree)
            sys.stderr.write(f"{mutant.name}: {said}\n")
            return mutant.name, said, round(time.monotonic() - begun, 1)

        with ThreadPoolExecutor(options.jobs) as threads:
            rows = list(threads.map(judge, chosen))
    sys.stdout.write(tabulate(rows, headers=["wrong", "verdict", "seconds"]) + "\n")
    caught = sum(said == "caught" for _, said, _ in rows)
    sys.stdout.write(f"{caught} of {len(rows)} caught\n")
    return 0 if caught == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
