"""What a run's code looks up besides its source: of another value it is other code."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from tests.capture.recorded import recorded
from tests.capture.test_provenance import Project, project

__all__ = ["project"]

HELPER = """
    from os import environ
    from pathlib import Path
    from sys import argv
    from threading import Lock
    class Counted(list):
        iterations = 0
        def __iter__(self):
            Counted.iterations += 1
            return super().__iter__()
    FACTOR, HERE, STRANGE = 1, Path(__file__).parent, 1
    LONG = Counted(range(100_001))
    def level(): return (FACTOR, HERE, environ.get('LEVEL'), argv, len(LONG))
    def other(): return 0
    class Base:
        size = 1
    class Level:
        __slots__ = ("value",)
        def __init__(self): self.value = 1
    class Settings:
        def __init__(self): self.levels, self.me, self.lock = [Level()], self, Lock()
    SETTINGS = Settings()
"""
# `helper` is imported by the code itself, `distant` by its module alone.
BODY = "distant.WEIGHT; import os, sys, helper; os.environ.get('LEVEL'), helper.level(), helper.Base.size, helper.SETTINGS, sys.argv"


def _put(name: str, value: Any) -> Callable[[Any, pytest.MonkeyPatch], None]:
    return lambda mine, patch: patch.setattr(mine.helper, name, value)


def around(function: Any) -> Any:
    @wraps(function)
    def twice() -> Any:
        return function(), function()

    return twice


CHANGES: dict[str, Callable[[Any, pytest.MonkeyPatch], None]] = {
    "a module's value": _put("FACTOR", 2),
    "a value of a module that the code does not import itself": lambda mine, patch: patch.setattr(
        mine.distant, "WEIGHT", 2
    ),
    "a function in place of another": lambda mine, patch: patch.setattr(
        mine.helper, "level", mine.helper.other
    ),
    "a function around another": lambda mine, patch: patch.setattr(
        mine.helper, "level", around(mine.helper.level)
    ),
    "an attribute of a class": lambda mine, patch: patch.setattr(mine.helper.Base, "size", 2),
    "an attribute of the strategy's class": lambda mine, patch: patch.setattr(
        mine.Mine, "size", 2, raising=False
    ),
    "what an object of a module holds": lambda mine, patch: patch.setattr(
        mine.helper.SETTINGS.levels[0], "value", 2
    ),
    "a variable of the environment": lambda _, patch: patch.setenv("LEVEL", "2"),
    "the command line": lambda _, patch: patch.setattr("sys.argv", ["a.py", "5"]),
}
NO_CHANGES: dict[str, Callable[[Any, pytest.MonkeyPatch], None]] = {
    "nothing": lambda *_: None,
    "a value that nothing looks up": _put("STRANGE", 2),
    "a place": _put("HERE", Path("elsewhere")),
    "a variable that nothing asks for": lambda _, patch: patch.setenv("STRANGE", "2"),
    "the script's place": lambda *_: sys.argv.__setitem__(0, "elsewhere.py"),
}


@pytest.mark.parametrize("change", [*CHANGES, *NO_CHANGES])
def test_a_run_that_looks_up_another_value_is_another(project: Project, change: str) -> None:
    project.write(helper=HELPER, distant="WEIGHT = 1")
    project.strategy("import helper, distant", BODY)
    mine, script = project.imported(), sys.argv[0]
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("LEVEL", raising=False)
            first = recorded(project.made(mine))
            (CHANGES | NO_CHANGES)[change](mine, patch)
            second = recorded(project.made(mine))
    finally:
        sys.argv[0] = script
    assert first.config_hash == second.config_hash is not None
    assert (first.code_hash == second.code_hash) is (change in NO_CHANGES)
    assert first.code_hash is not None


def test_what_is_too_long_to_be_described_is_not_looked_through(project: Project) -> None:
    project.write(helper=HELPER, distant="WEIGHT = 1")
    project.strategy("import helper, distant", BODY)
    mine = project.imported()
    assert recorded(project.made(mine)).code_hash is not None
    assert mine.helper.Counted.iterations == 0


SPAWNING = """
import multiprocessing
from tests.capture.backtests import Scripted, backtest
from tests.capture.recorded import recorded

FACTOR = 1

class Mine(Scripted):
    def on_bar(self, bar):
        super().on_bar(bar if FACTOR else bar)

def hashes(_):
    made = backtest([1.0, 1.1], {})
    (scripted,) = made.trader.strategies()
    made.clear_strategies()
    made.add_strategy(Mine(scripted.config))
    run = recorded(made)
    return run.config_hash, run.code_hash

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(hashes, [0]) == [hashes(0)], None in hashes(0))
"""


def test_a_script_is_the_same_code_in_the_processes_that_it_spawns(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SPAWNING)
    surroundings = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    ran = subprocess.run(
        [sys.executable, str(tmp_path / "mine.py")],
        capture_output=True,
        text=True,
        check=True,
        env=surroundings,
    )
    assert ran.stdout.split() == ["True", "False"]
