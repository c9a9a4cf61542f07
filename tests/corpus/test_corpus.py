"""What a script prints and how it exits is the same under `btstore exec`, byte by byte.

The suite runs a few of the scripts; `make test-corpus` all of them, on every engine version.
"""

import os
from pathlib import Path

import pytest

from tests.capture.stores import shared_url, store, stored
from tests.corpus.compare import RUNS, SCRIPTS, compare

__all__ = ["shared_url", "store"]

FEW = ("logs", "asks", "handles")
ALL = sorted(path.stem for path in SCRIPTS.glob("*.py"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ALL if os.environ.get("CORPUS") else FEW)
def test_script_does_the_same(store: str, tmp_path: Path, name: str) -> None:
    compare(name, tmp_path)
    assert len(stored(store)) == RUNS.get(name, 1)
