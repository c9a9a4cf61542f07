"""What a script prints and how it exits is the same under `btstore exec`, byte by byte.

And each run of it that succeeded is reproduced as identical, or a cause is named.

The suite runs a few of the scripts; `make test-corpus` all of them, on every engine version.
"""

import json
import os
from pathlib import Path

import pytest

from tests.capture.stores import shared_url, store, stored
from tests.corpus.compare import RUNS, SCRIPTS, compare
from tests.shell import btstore

__all__ = ["shared_url", "store"]

MOST = 9 if os.environ.get("CORPUS") else 1  # runs of a script that are reproduced
FEW = ("logs", "asks", "handles")
ALL = sorted(path.stem for path in SCRIPTS.glob("*.py"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ALL if os.environ.get("CORPUS") else FEW)
def test_script_does_the_same(store: str, tmp_path: Path, name: str) -> None:
    compare(name, tmp_path)
    runs = stored(store)
    assert len(runs) == RUNS.get(name, 1)
    for run in [run for run in runs if run["status"] == "success"][:MOST]:
        answer = btstore("reproduce", run["run_id"], "--format", "json")
        assert answer.out, answer.err
        said = json.loads(answer.out)
        assert said["verdict"] == "identical" or said["changes"], answer.err
