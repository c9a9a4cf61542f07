"""`reproduce` gives a script what it began with, an Enter where it asks, and its workers' runs."""

from pathlib import Path

import pytest

from tests import forked
from tests.capture.stores import shared_url, store, stored
from tests.number_of_tries import some
from tests.runner.test_exec import BACKTEST
from tests.shell import btstore

__all__ = ["shared_url", "store"]

pytestmark = pytest.mark.usefixtures("forked_reproduction")
ALL_AT_ONCE = "asks, changes what it began with, removes the catalog that it made, and fails"
SCRIPTS = {
    "leaves at once": """
made = backtest([100, 100 + int(sys.argv[1])], {0: 1})
made.run()
import os
os._exit(3)
""",
    "runs in a thread": """
import threading, time

def work():
    time.sleep(0.3)
    made = backtest([100, 100 + int(sys.argv[1])], {0: 1})
    made.run()

threading.Thread(target=work).start()
""",
    ALL_AT_ONCE: """
import os, tempfile
from pathlib import Path
from nautilus_trader.backtest.node import BacktestNode
from tests.capture.test_node import fill, run_config

profit = int(sys.argv[1])
open("found-here").close()
sys.argv[:] = ["changed"]
os.chdir("/")
input("Press Enter to continue ...")
with tempfile.TemporaryDirectory() as folder:
    config = run_config(fill(Path(folder), [100, 100 + profit]), {"orders": {"0": "1"}})
    BacktestNode([config]).run()
raise ValueError("afterwards")
""",
    "spawns workers": """
import multiprocessing

def work(profit):
    backtest([100, 100 + profit], {0: 1}).run()

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.map(work, [int(sys.argv[1])])
""",
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", some(SCRIPTS, ALL_AT_ONCE, "leaves at once", "runs in a thread"))
def test_script_is_reproduced(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "script.py"
    path.write_text(BACKTEST + SCRIPTS[kind])
    (tmp_path / "found-here").touch()
    ran = forked.btstore("exec", path, "7", cwd=tmp_path, typed="\n")
    (run,) = stored(store)
    assert run["net_profit"] == 7, ran.stderr
    assert run["provenance"]["script"]["arguments"] == "7"
    assert run["provenance"]["script"]["directory"] == str(tmp_path)
    monkeypatch.chdir("/")
    again = btstore("reproduce", run["run_id"])
    assert "identical" in again.out + again.err, again.err
    assert again.code == 0
    first, second = stored(store)
    assert second["reproduced_from"] == first["run_id"]
