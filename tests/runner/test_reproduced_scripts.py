"""A run that a script fed from memory is reproduced by the script, if that is still the same."""

import hashlib
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backtest_store.models import Record, to_json
from backtest_store.runner.reproduce.script_run import repetition_of
from backtest_store.saving import save
from tests import forked
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.faults.runs import a_run
from tests.runner.test_reproduction import change, fetched
from tests.shell import Answer, btstore

SCRIPT = """
import sys
assert open("here.txt").read() == "yes"

from backtest_store.runner.config.loading import parse_config
from tests.runner.conftest import prepare

for fast_period in sys.argv[1:]:
    content = {
        "strategy": "sma_crossover",
        "parameters": {"fast_period": fast_period, "slow_period": 20, "equity_fraction": 0.9},
        "data": {"source": "sp500_daily", "start": "2005-01-01", "end": "2005-06-30"},
    }
    prepare(parse_config(content, origin="script")).engine.run()
"""
pytestmark = pytest.mark.usefixtures("forked_reproduction")


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("work") / "backtests.py"
    path.write_text(SCRIPT)
    path.with_name("here.txt").write_text("yes")
    return path


@pytest.fixture(scope="module")
def recorded(script: Path, shared_url: str) -> list[Record]:
    """Record a script that makes two runs."""
    home = {"BTSTORE_DATABASE_URL": shared_url, "BTSTORE_HOME": str(script.parent / "home")}
    with pytest.MonkeyPatch.context() as environment:
        for name, value in home.items():
            environment.setenv(name, value)
        forked.btstore("exec", "--tag", "mine", script.name, "3", "7", cwd=script.parent)
        made = [fetched(run["run_id"]) for run in stored(shared_url)]
    assert [run.parameters["fast_period"] for run in made] == [3, 7]
    assert [run.provenance["script"]["run"] for run in made] == [1, 2]
    return made


@pytest.fixture
def runs(store: str, recorded: list[Record]) -> list[dict[str, Any]]:
    """Give the store the script's runs, and nothing else."""
    assert all(save.save_record(run) for run in recorded)
    return stored(store)


def facts(script: Path, **changes: str) -> dict[str, Any]:
    return {
        "path": str(script),
        "sha256": hashlib.sha256(script.read_bytes()).hexdigest(),
        "arguments": "3 7",
        "directory": str(script.parent),
        **changes,
    }


def reproduced(url: str, run: dict[str, Any], script: dict[str, Any] | None) -> Answer:
    """Reproduce a run of which just this is known of its script."""
    known = {key: value for key, value in run["provenance"].items() if key != "script"}
    record = fetched(run["run_id"])
    change(url, record, provenance=known | ({} if script is None else {"script": script}))
    return btstore("reproduce", run["run_id"], "--format", "json")


def test_the_script_is_run_again_and_its_run_alone_is_kept(
    store: str, runs: list[dict[str, Any]], script: Path
) -> None:
    answer = reproduced(store, runs[1], facts(script))
    assert answer.code == 0, answer.err
    said = json.loads(answer.out)
    assert (said["verdict"], said["differences"]) == ("identical", [])
    assert answer.err.splitlines()[:2] == [
        f"running the whole script again: {script}",
        "the script made 2 runs",
    ]
    *_, again = made = stored(store)
    assert len(made) == 3
    assert again["run_id"] == said["reproduced_run_id"]
    assert again["reproduced_from"] == runs[1]["run_id"]
    assert (again["parameters"]["fast_period"], again["tags"]) == (7, [])
    lost = reproduced(store, runs[1], facts(script, arguments="4 5", module="backtests"))
    assert (lost.code, lost.out) == (1, "")
    assert "made 2 runs, and none has the configuration" in lost.err
    empty = reproduced(store, runs[1], facts(script, directory="/", module="backtests"))
    assert "the script made no run: ImportError: No module named backtests" in empty.err
    assert len(stored(store)) == 3


def test_what_keeps_a_script_from_being_run_is_named(
    store: str, runs: list[dict[str, Any]], script: Path, tmp_path: Path
) -> None:
    for script_facts, said in {
        "none": (None, "neither the script nor the data is stored"),
        "gone": (facts(script, path=f"{tmp_path}/gone.py"), f"any more: {tmp_path}/gone.py"),
        "folder": (facts(script, directory=f"{tmp_path}/gone"), f"any more: {tmp_path}/gone"),
        "secret": (facts(script, arguments="--token [redacted]"), "was given a credential"),
    }.values():
        answer = reproduced(store, runs[0], script_facts)
        assert (answer.code, answer.out) == (1, "")
        assert said in answer.err
    assert len(stored(store)) == 2


def test_a_changed_comment_is_a_cause_and_no_refusal(
    store: str, runs: list[dict[str, Any]], script: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copy(script, tmp_path))
    known = facts(other, directory=str(script.parent))
    other.write_text(SCRIPT + "# changed")
    answer = reproduced(store, runs[1], known)
    assert answer.code == 0, answer.err
    said = json.loads(answer.out)
    (named,) = [found["detail"] for found in said["changes"]]
    assert named.endswith(f" changed: {other}")
    assert f"though {named}" in answer.err


def test_a_script_that_dies_before_the_run_says_so_and_how(
    store: str, runs: list[dict[str, Any]], script: Path, tmp_path: Path
) -> None:
    other = tmp_path / script.name
    dying = "    if fast_period == '7':\n        raise ValueError('no more')\n    content"
    other.write_text(SCRIPT.replace("    content", dying))
    known = facts(other, directory=str(script.parent))
    answer = reproduced(store, runs[1], known | {"run": 2})
    assert (answer.code, answer.out) == (1, "")
    said = "error: the script failed before it made the run to repeat: ValueError: no more"
    assert said in answer.err.splitlines()
    assert len(stored(store)) == 2
    first = reproduced(store, runs[0], known | {"run": 1})  # which it makes before it dies
    assert first.code == 0, first.err


def test_of_several_runs_of_one_configuration_the_one_in_its_place_is_compared(
    tmp_path: Path,
) -> None:
    made = [a_run(config_hash="aa" * 32, provenance={"script": {"run": n}}) for n in (1, 2, 3)]
    others = [a_run(config_hash="bb" * 32, provenance={"script": {"run": 4}})]
    for run in [*made, *others]:
        (tmp_path / f"{run.run_id}.json").write_text(to_json(run))
    for place, expected in ((1, made[0]), (2, made[1]), (3, made[2]), (None, made[0])):
        original = a_run(config_hash="aa" * 32, provenance={"script": {"run": place}})
        found, count = repetition_of(original, tmp_path, "")
        assert (found.run_id, count) == (expected.run_id, 4)


def test_a_script_is_described_by_what_runs_it_again(script: Path) -> None:
    code = (
        "import json\n"
        "from backtest_store.capture.identity.provenance import script_of_process\n"
        "print(json.dumps(script_of_process()))\n"
    )
    asked = script.with_name("asked.py")
    asked.write_text(code)
    command = [sys.executable, asked.name, "a b", "--x=1"]
    done = subprocess.run(command, cwd=script.parent, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found == facts(asked, arguments=shlex.join(["a b", "--x=1"])) | {"run": 1}
    command = [sys.executable, "-m", "asked"]
    found = json.loads(subprocess.check_output(command, cwd=script.parent))
    assert found == facts(asked, arguments="", module="asked") | {"run": 1}
    assert json.loads(subprocess.check_output([sys.executable, "-c", code])) is None
