"""The README's search by Optuna stores its trials, and reproducing one does not search again."""

import re
import sys
from pathlib import Path

import pytest

from tests import forked
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.docs.page_commands import FILE, README
from tests.shell import btstore

pytestmark = pytest.mark.usefixtures("forked_reproduction")
SCRIPT = re.compile(r'```python title="search.py"\n(.*?)```', re.DOTALL)


def test_a_trial_is_a_run_and_is_reproduced_alone(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = README.read_text("utf-8")
    (script,) = SCRIPT.findall(readme)
    assert script.count("record(") == 1
    monkeypatch.chdir(tmp_path)
    for name, content in FILE.findall(readme):
        Path(name).write_text(content, "utf-8")
    expanded = btstore("run", "sma.toml", "--dry-run")
    assert expanded.code == 0, expanded.err
    Path("base.json").write_text(expanded.out)
    assert "n_trials=20" in script
    Path("search.py").write_text(script.replace("n_trials=20", "n_trials=3"))
    forked.run([sys.executable, "search.py"], check=True)
    trials = stored(store)
    assert {run["status"] for run in trials} == {"success"}
    assert [run["tags"] for run in trials] == [["search"]] * 3
    assert all(5 <= run["parameters"]["fast_period"] <= 40 for run in trials)

    again = btstore("reproduce", str(trials[1]["run_id"]))
    assert again.code == 0, again.err
    repeated = [run for run in stored(store) if run["reproduced_from"] is not None]
    assert len(stored(store)) == 4
    assert [str(run["reproduced_from"]) for run in repeated] == [str(trials[1]["run_id"])]
    assert repeated[0]["parameters"] == trials[1]["parameters"]
