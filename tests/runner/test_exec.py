"""`btstore exec SCRIPT`: the script sees what it sees under `python SCRIPT`, and is recorded."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests import forked
from tests.capture.stores import only, shared_url, store, stored

__all__ = ["shared_url", "store"]

ROOT = str(Path(__file__).parents[2])
BTSTORE = [sys.executable, "-c", "from backtest_store.cli.app import entry; entry()", "exec"]
Ran = subprocess.CompletedProcess[str]
COUNT = re.compile(r"^btstore: (\w+) runs? (?:was|were) recorded\n\Z", re.MULTILINE)

SURROUNDINGS = '''
"""What surrounds a script."""
import __main__, atexit, inspect, os, pickle, sys, traceback, warnings

class Thing:
    pass

print(sys.argv, sys.orig_argv[1:], sys.path[0], os.getcwd())
print(__name__, __file__, __doc__, __spec__, __package__, __cached__, sorted(globals()))
print(type(__loader__).__name__, __main__ is sys.modules["__main__"], vars(__main__) is globals())
print(pickle.loads(pickle.dumps(Thing())).__class__ is Thing, inspect.getsource(Thing))
print(sorted(m for m in sys.modules if m.startswith("nautilus_trader")))
print(sys.flags, sys.stdin.read(), __builtins__)
warnings.warn("careful", DeprecationWarning)
atexit.register(print, "the end")

def fail():
    raise ValueError("inside")

try:
    fail()
except ValueError:
    traceback.print_exc()
'''
ENDS = {
    "nothing": "",
    "exit code": "import sys; sys.exit(7)",
    "exit message": "import sys; sys.exit('over')",
    "exit none": "raise SystemExit",
    "exception": "def f():\n    raise KeyError('x')\nf()",
    "chained": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise OSError('y') from e",
    "group": "raise ExceptionGroup('many', [ValueError(1), TypeError(2)])",
    "syntax": "def (:",
    "encoding": "# coding: latin-1\nprint('\xe4'); raise ValueError('\xe4')",
    "interrupt": "raise KeyboardInterrupt",
    "own hook": "import sys\nsys.excepthook = lambda *e: print(e[0], e[2].tb_lineno)\n1 / 0",
    "killed": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
    "thread": "import threading\nthreading.Thread(target=lambda: 1 / 0).start()",
    "os exit": "import os\nprint('x', flush=True)\nos._exit(3)",
}


def python(path: Path, *args: str, cwd: Path | None = None) -> Ran:
    return _run([sys.executable, str(path), *args], cwd)


def btstore(path: Path, *args: str, cwd: Path | None = None) -> Ran:
    return _run([*BTSTORE, str(path), *args], cwd)


def _run(command: list[str], cwd: Path | None = None) -> Ran:
    paths = os.pathsep.join([ROOT, *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        input="typed",
        # Unbuffered, the parts of a line would mix with what the engine logs from its thread.
        env={**os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": ""},
    )


def assert_same(path: Path, *args: str, cwd: Path | None = None) -> Ran:
    expected = python(path, *args, cwd=cwd)
    seen = btstore(path, *args, cwd=cwd)
    assert seen.stdout == expected.stdout
    assert without_count(seen.stderr) == expected.stderr
    assert seen.returncode == expected.returncode
    return seen


def without_count(stderr: str) -> str:
    """Return what a script wrote to standard error, less our last line."""
    return COUNT.sub("", stderr)


def count_in(stderr: str) -> str:
    """Return what our last line says of how many runs were recorded."""
    found = COUNT.search(stderr)
    assert found is not None, stderr
    return found[1]


def test_script_sees_what_it_would_see_under_python(store: str, tmp_path: Path) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "real.py").write_text(SURROUNDINGS)
    (tmp_path / "link.py").symlink_to(folder / "real.py")
    ran = assert_same(Path("link.py"), "--tag", "x", "--help", "--", "-1", cwd=tmp_path)
    assert "the end" in ran.stdout
    assert "DeprecationWarning: careful" in ran.stderr
    assert "in fail" in ran.stderr


@pytest.mark.parametrize("end", ENDS)
def test_script_ends_as_it_would_under_python(store: str, tmp_path: Path, end: str) -> None:
    path = tmp_path / "script.py"
    path.write_bytes(ENDS[end].encode("latin-1"))
    assert_same(path)


def test_folder_and_zip_file_are_scripts_too(store: str, tmp_path: Path) -> None:
    main = "import sys, helper\nprint(sys.argv, sys.path[0], __spec__.name, helper)\n1 / 0\n"
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "__main__.py").write_text(main)
    (folder / "helper.py").write_text("")
    with zipfile.ZipFile(tmp_path / "script.zip", "w") as archive:
        archive.writestr("__main__.py", main)
        archive.writestr("helper.py", "")
    assert_same(folder)
    assert_same(tmp_path / "script.zip")


def test_missing_script_is_bad_usage(store: str, tmp_path: Path) -> None:
    ran = btstore(tmp_path / "missing.py")
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: cannot open")


BACKTEST = f"""
import sys
sys.path.insert(0, {ROOT!r})
from tests.capture.backtests import backtest
"""
EVERY_WAY = (
    BACKTEST
    + """
import importlib
import nautilus_trader.backtest.engine as one
from nautilus_trader.backtest.engine import BacktestEngine as two
three = importlib.import_module("nautilus_trader.backtest.engine").BacktestEngine
from nautilus_trader.backtest import node
assert one.BacktestEngine is two is three is node.BacktestEngine
assert repr(two) == "<class 'nautilus_trader.backtest.engine.BacktestEngine'>"

class Own(two):
    pass

made = backtest([100, 110, 120], {0: 10, 1: -10})
assert isinstance(made, two)
made.run()
made.reset()
made.run()
made.dispose()

failing = backtest([100, 110, 120], strategy={"raise_at": 1})
try:
    failing.run()
except ValueError:
    import traceback
    traceback.print_exc()
failing.dispose()

stream = backtest([100, 110, 120], {0: 10, 1: -10})
stream.run(streaming=True)
stream.end()

from backtest_store import record, save_run
explicit = backtest([100, 110, 120], {0: 10, 1: -10})
with record(explicit, tags=["explicit"]):
    explicit.run()
save_run(explicit)

from pathlib import Path
from tests.capture.test_node import fill, run_config
catalog = fill(Path(sys.argv[1]), [100, 110, 120, 115, 110, 130])
configs = [run_config(catalog), run_config(catalog, {"raise_at": 2})]
print(len(node.BacktestNode(configs).run()))

unended = backtest([100, 110, 120])
unended.run(streaming=True)
"""
)


def test_every_run_in_a_script_is_recorded(store: str, tmp_path: Path) -> None:
    path, catalog = tmp_path / "script.py", str(tmp_path / "catalog")
    path.write_text(EVERY_WAY)
    ran = forked.btstore("exec", "--tag", "a", "--strategy-name", "Mine", path, catalog)
    assert (ran.returncode, ran.stdout.splitlines()[-1:]) == (0, ["1"]), ran.stderr
    assert "backtest_store" not in ran.stderr
    saved = stored(store)
    assert [(s["status"], s.get("net_profit")) for s in saved] == [
        ("success", 100),
        ("success", 100),
        ("failed", None),
        ("success", 100),
        ("success", 100),
        ("success", 300),
        ("failed", None),
        ("interrupted", None),
    ]
    assert [s["tags"] for s in saved] == [["a"]] * 4 + [["explicit"]] + [["a"]] * 3
    assert {s["strategy_name"] for s in saved} == {"Mine", "Scripted"}
    assert {s["provenance"]["command_line"] for s in saved} == {f"{path} {catalog}"}
    assert {s.get("equity_basis") for s in saved} == {"mark_to_market", None}


def test_traceback_of_a_failing_run_is_pythons(store: str, tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(
        BACKTEST + "made = backtest([100, 110], strategy={'raise_at': 1})\nmade.run()\n"
    )
    expected, seen = python(path), btstore(path)
    # The engine's log has a thread of its own, so its lines fall anywhere among the traceback's.
    mine = without_count(seen.stderr).splitlines()
    assert sorted(mine) == sorted(expected.stderr.splitlines())
    assert seen.returncode == expected.returncode == 1
    assert only(store)["error_message"] == "at bar 1"


WORKERS = (
    BACKTEST
    + """
import multiprocessing

def work(profit):
    made = backtest([100, 100 + profit], {0: 1})
    made.run()
    print(multiprocessing.current_process().name != "MainProcess", flush=True)
    return profit

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    made = backtest([1, 2])  # the engine's generator of ids has a state now, which a fork shares
    with context.Pool(int(sys.argv[2])) as pool:
        print(sorted(pool.map(work, range(4))))
        pool.close()
        pool.join()
"""
)


@pytest.mark.parametrize(("method", "workers"), [("fork", "2"), ("spawn", "1")])
def test_runs_of_worker_processes_are_recorded(
    store: str, tmp_path: Path, method: str, workers: str
) -> None:
    path = tmp_path / "script.py"
    path.write_text(WORKERS)
    ran = forked.btstore("exec", path, method, workers)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "[0, 1, 2, 3]"
    saved = stored(store)
    assert sorted(s["net_profit"] for s in saved) == [0, 1, 2, 3]
    assert len({s["run_id"] for s in saved}) == 4
