"""Runs of one hash in one script, and those of its child processes, are reproduced each by its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.number_of_tries import some
from tests.shell import btstore

pytestmark = pytest.mark.usefixtures("forked_reproduction")

# What a run trades is in no configuration: a file tells, which each run finds changed.
AGAIN = """
from pathlib import Path
from tests.capture.backtests import Scripted, backtest, bars, engine, scripted, share

Path("sizes").write_text("10 20 30")

class Fickle(Scripted):
    def on_start(self):
        size, *rest = Path("sizes").read_text().split()
        Path("sizes").write_text(" ".join(rest))
        self.size = int(size)
        super().on_start()

    def on_bar(self, bar):
        self.bars += 1
        if self.bars in (1, 3):
            self.trade(self.size if self.bars == 1 else -self.size)

for _ in range(3):
    made = engine(share())
    made.add_data(bars(share(), [100, 110, 120, 115]))
    made.add_strategy(Fickle(scripted(share(), {}).config))
    made.run()
    made.dispose()
"""

WORKERS = """
import multiprocessing
from tests.capture.backtests import backtest

def work(size):
    made = backtest([100, 110, 120, 115], {0: size, 2: -size})
    made.run()
    made.dispose()

if __name__ == "__main__":
    with multiprocessing.get_context("METHOD").Pool(COUNT) as pool:
        pool.map(work, [10, 20, 30], chunksize=1)
"""


def executed(folder: Path, content: str, url: str) -> list[dict[str, Any]]:
    path = folder / "script.py"
    path.write_text(content)
    ran = forked.btstore("exec", path, cwd=folder)
    assert ran.returncode == 0, ran.stderr
    runs = stored(url)
    assert len(runs) == 3, ran.stderr
    return runs


def reproduced(run: dict[str, Any]) -> dict[str, Any]:
    ran = btstore("reproduce", run["run_id"], "--format", "json")
    assert ran.code == 0, ran.err
    said: dict[str, Any] = json.loads(ran.out)
    return said


@pytest.mark.timeout(600)
def test_of_runs_of_one_hash_the_one_in_its_place_is_compared(store: str, tmp_path: Path) -> None:
    runs = executed(tmp_path, AGAIN, store)
    assert len({run["config_hash"] for run in runs}) == 1
    assert [run["net_profit"] for run in runs] == [200, 400, 600]
    assert reproduced(runs[1])["verdict"] == "identical"
    again = [run for run in stored(store) if run["reproduced_from"] is not None]
    assert [run["net_profit"] for run in again] == [400]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("method", some(("fork", "spawn", "forkserver"), "fork", "spawn"))
def test_run_of_a_worker_is_reproduced_and_no_other_is_saved(
    method: str, store: str, tmp_path: Path
) -> None:
    count = "2" if method == "fork" else "1"  # each of the others loads NautilusTrader anew
    runs = executed(tmp_path, WORKERS.replace("METHOD", method).replace("COUNT", count), store)
    run = max(runs, key=lambda run: float(run["net_profit"]))
    assert reproduced(run)["verdict"] == "identical"
    (again,) = [made for made in stored(store) if made["run_id"] not in {r["run_id"] for r in runs}]
    assert (again["reproduced_from"], again["net_profit"]) == (run["run_id"], 600)
