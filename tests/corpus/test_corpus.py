"""What a script prints and how it exits is the same under `btstore exec`, byte by byte.

And each run of it that succeeded is reproduced as identical, or what differs has a true cause.

The suite runs a few of the scripts; `make test-corpus` all of them, on every engine version.
"""

import json
import os
from pathlib import Path

import pytest

from tests.capture.stores import shared_url, store, stored
from tests.corpus.compare import RUNS, SCRIPTS, compare
from tests.runner.test_rust_engine import HAS_ONE
from tests.shell import btstore

__all__ = ["shared_url", "store"]

FEW = ("logs", "options", "timers")
ALL = sorted(path.stem for path in SCRIPTS.glob("*.py"))
# What no seed or file decides, and so cannot come out the same; all else does.
DIFFERENT = {"chance": "chance", "clock": "unknown"}


@pytest.mark.timeout(900)
@pytest.mark.usefixtures(*[] if os.environ.get("CORPUS") else ["forked_reproduction"])
@pytest.mark.parametrize("name", ALL if os.environ.get("CORPUS") else FEW)
def test_script_does_the_same(store: str, tmp_path: Path, name: str) -> None:
    if name == "rust_engine" and not HAS_ONE:
        pytest.skip("this release carries no engine in Rust")
    compare(SCRIPTS / f"{name}.py", tmp_path, RUNS.get(name, 1))
    runs = stored(store)
    assert len(runs) == RUNS.get(name, 1)
    for run in [run for run in runs if run["status"] == "success"]:
        answer = btstore("reproduce", run["run_id"], "--format", "json")
        assert answer.out, answer.err
        said = json.loads(answer.out)
        cause = (said["most_likely_cause"] or {}).get("kind")
        assert cause == DIFFERENT.get(name), (answer.err, said["differences"])
        assert cause or not said["changes"], said["changes"]  # nothing has changed
