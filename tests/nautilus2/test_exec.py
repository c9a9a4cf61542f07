"""Scripts on NautilusTrader 2.0 under `btstore exec`, and their reproduction."""

import json
import subprocess
import sys
from pathlib import Path

from tests.capture.stores import only, stored
from tests.nautilus2 import backtests

BTSTORE = [sys.executable, "-c", "from backtest_store.cli.app import entry; entry()"]
ENGINE = """
for orders in ({0: 10}, {0: -10}):
    made = backtest([100, 110, 120], orders, strategy=SAID)
    made.run()
    print(made.get_result().total_orders, str(made.cache.orders()[0].status))
    made.dispose()
"""


def script(folder: Path, text: str) -> Path:
    """Write a script that has the strategies of these tests for its own."""
    path = folder / "script.py"
    path.write_text(Path(backtests.__file__).read_text("utf-8") + text)
    return path


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_run_of_a_script_is_recorded_and_its_output_is_the_same(
    store: str, tmp_path: Path
) -> None:
    path = script(tmp_path, f"SAID = {{}}\n{ENGINE}")
    alone = run(sys.executable, str(path))
    recorded = run(*BTSTORE, "exec", str(path))
    assert alone.returncode == recorded.returncode == 0, recorded.stderr
    assert recorded.stdout == alone.stdout == "1 FILLED\n" * 2
    assert recorded.stderr == "btstore: 2 runs were recorded\n"
    bought, sold = stored(store)
    assert [float(r["net_profit"]) for r in (bought, sold)] == [200, -200]
    assert bought["config_hash"] not in {None, sold["config_hash"]}
    assert bought["equity_basis"] == "mark_to_market"


def test_what_a_callback_raises_is_stored_with_the_script_s_traceback(
    store: str, tmp_path: Path
) -> None:
    path = script(tmp_path, f"SAID = {{'raise_at': 1}}\n{ENGINE}".replace(", {0: -10}", ","))
    recorded = run(*BTSTORE, "exec", str(path))
    assert (recorded.returncode, recorded.stdout) == (0, "1 FILLED\n"), recorded.stderr
    saved = only(store)
    assert saved["status"] == "failed"
    assert str(path) in saved["error_traceback"]


def test_a_script_s_run_is_reproduced(store: str, tmp_path: Path) -> None:
    path = script(tmp_path, f"SAID = {{}}\n{ENGINE}")
    run(*BTSTORE, "exec", str(path))
    original = stored(store)[0]
    again = run(*BTSTORE, "reproduce", original["run_id"], "--format", "json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)
    repetition = stored(store)[-1]
    assert repetition["reproduced_from"] == original["run_id"]
    assert repetition["config_hash"] == original["config_hash"]
    assert repetition["net_profit"] == original["net_profit"]


def test_processes_of_a_script_are_recorded(store: str, tmp_path: Path) -> None:
    child = script(tmp_path, f"SAID = {{}}\n{ENGINE}")
    parent = tmp_path / "parent.py"
    parent.write_text(f"import subprocess, sys\nsubprocess.run([sys.executable, {str(child)!r}])\n")
    recorded = run(*BTSTORE, "exec", str(parent))
    assert recorded.stderr == "btstore: 2 runs were recorded\n"
    assert len(stored(store)) == 2


UNSEEN = """
made = backtest([100, 110, 120], {0: 10})
from backtest_store import record
with record(made) as recording:
    made.run()
"""


def test_an_engine_that_was_there_before_is_known_in_part(store: str, tmp_path: Path) -> None:
    path = script(tmp_path, UNSEEN)
    done = run(sys.executable, str(path))
    assert done.returncode == 0, done.stderr
    saved = only(store)
    assert "was made before backtest_store was imported" in saved["config_snapshot"]["partial"]
    assert saved["config_hash"] is None
    assert (saved["strategy_name"], saved["status"]) == ("no strategy", "success")
    assert saved["final_balance"] == 100_000
    assert saved["initial_capital"] == 100_000
    # All of the data is in the cache, which tells of the days.
    assert (saved["returns_count"], float(saved["net_profit"])) == (3, 200)


def test_what_is_known_in_part_is_not_reproduced(store: str) -> None:
    text = Path(backtests.__file__).read_text("utf-8") + UNSEEN
    done = run(sys.executable, "-c", text)
    assert done.returncode == 0, done.stderr
    refused = run(*BTSTORE, "reproduce", only(store)["run_id"])
    assert refused.returncode == 1
    assert "its snapshot is partial" in refused.stderr
    assert len(stored(store)) == 1
