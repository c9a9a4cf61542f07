"""What a reproduction calls identical and what not, from a script's run to the exit code."""

import json
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import forked
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.shell import btstore

pytestmark = pytest.mark.usefixtures("forked_reproduction")
SCRIPT = """
from pathlib import Path
from tests.capture.backtests import Scripted, bars, engine, scripted, share

class Trading(Scripted):
    pass

class Failing(Scripted):
    def on_bar(self, bar):
        raise ValueError(Path("message").read_text())

for kind in (Trading, Failing):
    made = engine(share())
    made.add_data(bars(share(), [100, 110, 120, 115, 130]))
    made.add_strategy(kind(scripted(share(), {0: 10, 2: -10, 3: 5}).config))
    try:
        made.run()
    except ValueError:
        pass
    made.dispose()
    Path("notes").write_text("changed as the script went")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a repository that knows the script."""
    for name, content in {"script.py": SCRIPT, "notes": "as committed", "message": "one"}.items():
        (tmp_path / name).write_text(content)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "script.py", "notes")
    git(tmp_path, "commit", "-qm", "Begin")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    return subprocess.check_output(["git", "-C", str(folder), *who, *arguments], text=True).strip()


def run(folder: Path, url: str) -> list[dict[str, Any]]:
    before = len(stored(url))
    ran = forked.btstore("exec", folder / "script.py", cwd=folder)
    assert ran.returncode == 0, ran.stderr
    return stored(url)[before:]


def change(url: str, run: dict[str, Any], **values: Any) -> None:
    """Make another value of a stored metric, which the store itself would refuse."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        for column, value in values.items():
            query = f"UPDATE performance_metrics SET {column} = %s WHERE run_id = %s"
            connection.execute(query, [value, run["run_id"]])


def reproduced(run: dict[str, Any], *options: str) -> tuple[int, set[str]]:
    """Reproduce a run, and return the exit code and what differs."""
    answer = btstore("reproduce", run["run_id"], "--format", "json", *options)
    assert answer.out, answer.err
    return answer.code, {found["metric"] for found in json.loads(answer.out)["differences"]}


@pytest.mark.timeout(600)
def test_a_run_is_reproduced_by_what_it_came_to(store: str, folder: Path) -> None:
    traded, failed = run(folder, store)
    words_do_not_count_and_ratios_are_compared_by_their_size(store, traded)
    a_failure_is_reproduced_by_its_message_and_not_by_its_type(folder, failed)


def a_failure_is_reproduced_by_its_message_and_not_by_its_type(
    folder: Path, failed: dict[str, Any]
) -> None:
    assert (failed["status"], failed["error_type"]) == ("failed", "ValueError")
    assert reproduced(failed) == (0, set())
    (folder / "message").write_text("another")
    assert reproduced(failed) == (6, {"error_message"})


def words_do_not_count_and_ratios_are_compared_by_their_size(
    store: str, traded: dict[str, Any]
) -> None:
    assert traded["volatility"] < 1
    words = ["said in other words", *traded["warnings"]]
    change(store, traded, warnings=words, volatility=traded["volatility"] * 1.01)
    assert reproduced(traded, "--tolerance", "0.001") == (6, {"volatility"})
    assert reproduced(traded, "--tolerance", "0.02") == (0, set())


@pytest.mark.timeout(600)
def test_the_state_of_the_repository_is_that_of_each_run(store: str, folder: Path) -> None:
    commit = git(folder, "rev-parse", "HEAD")
    states = [made["provenance"]["git"] for made in run(folder, store)]
    assert states == [{"commit": commit, "dirty": False}, {"commit": commit, "dirty": True}]
    git(folder, "checkout", "notes")
    git(folder, "rm", "-q", "--cached", "script.py")
    git(folder, "commit", "-qm", "Know the strategy no more")
    first, _ = run(folder, store)
    assert first["provenance"]["git"] == {"commit": git(folder, "rev-parse", "HEAD"), "dirty": True}
    versions = first["provenance"]["package_versions"]
    assert {"numpy", "pandas", "nautilus_trader"} <= versions.keys()
