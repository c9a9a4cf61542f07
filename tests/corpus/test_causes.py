"""What `reproduce` names as the cause of a difference is what has been changed, and nothing else."""

import json
import os
from pathlib import Path

import pytest

from tests import forked
from tests.capture.stores import only, shared_url, store
from tests.runner.test_exec import BACKTEST
from tests.shell import btstore

__all__ = ["shared_url", "store"]

pytestmark = pytest.mark.usefixtures("forked_reproduction")
SCRIPT = (
    BACKTEST
    + """
import json, os, random
import helper
from pathlib import Path
from tests.capture.backtests import Scripted, bars, engine, scripted, share

class Mine(Scripted):
    def on_bar(self, bar):
        super().on_bar(bar)
        if self.bars == 2:
            read = int(os.environ["INSIDE"]) + int(Path("inside").read_text())
            self.trade(helper.SIZE + random.choice(range(100)) + read)

orders = {0: int(os.environ["OUTSIDE"])}
made = engine(share())
made.add_data(bars(share(), json.loads(Path("prices.json").read_text())))
made.add_strategy(Mine(scripted(share(), orders).config))
random.seed(Path("seed").read_text())
made.run()
"""
)
FILES = {
    "helper.py": "SIZE = 10",
    "prices.json": "[100, 110, 120, 115]",
    "seed": "one",
    "inside": "1",
}
SETTINGS = {"INSIDE": "1", "OUTSIDE": "1"}
# What is changed, and the one cause that is true then, and what it says. Of another length: of a
# file as long as before, changed within a second, Python would run what it had compiled of it.
CHANGES = {
    "helper.py": ("SIZE = 200", "source", "helper.py"),
    "prices.json": ("[100, 110, 121, 115]", "data", "memory changed"),
    "seed": ("two", "chance", "another state"),
    "OUTSIDE": ("2", "configuration", "orders.0 was 1, is 2"),
    "INSIDE": ("2", "source", "values that the code looks up"),
    "inside": ("2", "unknown", "settings"),
}


@pytest.mark.timeout(600)
def test_the_cause_that_is_named_is_what_was_changed(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    _set(tmp_path, monkeypatch)
    ran = forked.btstore("exec", path, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    run_id = only(store)["run_id"]
    assert _reproduced(run_id) == ("identical", [], None, "")
    for name, (value, kind, detail) in CHANGES.items():
        _set(tmp_path, monkeypatch, **{name: value})
        verdict, changes, cause, said = _reproduced(run_id)
        assert (verdict, cause) == ("different", kind), name
        assert changes == ([] if kind == "unknown" else [kind]), name
        assert detail in said, name


def _set(folder: Path, monkeypatch: pytest.MonkeyPatch, **changed: str) -> None:
    for name, content in FILES.items():
        file = folder / name
        file.write_text(changed.get(name, content))
    for name, value in SETTINGS.items():
        monkeypatch.setitem(os.environ, name, changed.get(name, value))


def _reproduced(run_id: str) -> tuple[str, list[str], str | None, str]:
    answer = btstore("reproduce", run_id, "--format", "json")
    assert answer.out, answer.err
    said = json.loads(answer.out)
    cause = said["most_likely_cause"] or {"kind": None, "detail": ""}
    kinds = [change["kind"] for change in said["changes"]]
    return said["verdict"], kinds, cause["kind"], cause["detail"]
