"""The Python processes that a script under `btstore exec` starts record their runs, too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forked
from tests.capture.stores import shared_url, store, stored
from tests.number_of_tries import some
from tests.runner.test_exec import BACKTEST, BTSTORE, ROOT, btstore, count_in, python, without_count

__all__ = ["shared_url", "store"]

WORK = (
    BACKTEST
    + """
def work(profit):
    made = backtest([100, 100 + profit], {0: 1})
    made.run()
    made.dispose()
    return profit
"""
)
# How a script has others work for it; each way's runs are known by their profits.
WAYS = {
    "spawn pool": "with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
    "        print(pool.map(work, {}))",
    "forkserver pool": "with multiprocessing.get_context('forkserver').Pool(1) as pool:\n"
    "        print(pool.map(work, {}))",
    "executor": "with futures.ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as pool:\n"
    "        print(list(pool.map(work, {})))",
    "subprocess": "subprocess.run([sys.executable, '-c', code({})], check=True)",
    "shell": "os.system(f'{{sys.executable}} -c {{shlex.quote(code({}))}}')",
    "grandchild": "subprocess.run([sys.executable, '-c', 'import os, shlex, sys;'\n"
    "        f'os.system(sys.executable + \" -c \" + shlex.quote({{code({})!r}}))'], check=True)",
    "loky": "print(joblib.Parallel(1, backend='loky')(joblib.delayed(work)(n) for n in {}))\n"
    "    get_reusable_executor().shutdown()",
    "thread": "threading.Thread(target=lambda: (time.sleep(0.3), [work(n) for n in {}])).start()",
}
MAIN = """
import multiprocessing, os, shlex, subprocess, sys, threading, time
from concurrent import futures
import joblib
from joblib.externals.loky import get_reusable_executor

def code(profits):
    return f"import runpy; w = runpy.run_path({__file__!r})['work']; [w(n) for n in {profits}]"

if __name__ == '__main__':
"""


@pytest.mark.timeout(300)  # it starts many engines
def test_runs_of_children_are_recorded_and_counted(store: str, tmp_path: Path) -> None:
    ways = some(WAYS, "forkserver pool", "grandchild", "loky", "thread")
    profits = {way: [2 * number, 2 * number + 1] for number, way in enumerate(ways)}
    path = tmp_path / "script.py"
    path.write_text(WORK + MAIN + "".join(f"    {WAYS[w].format(profits[w])}\n" for w in ways))
    ran = forked.btstore("exec", path, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    printed = [mine for way, mine in profits.items() if "print" in WAYS[way]]
    assert ran.stdout == "".join(f"{mine}\n" for mine in printed)  # as without us
    assert without_count(ran.stderr) == ""
    assert {run["status"] for run in stored(store)} == {"success"}
    recorded = sorted(run["net_profit"] for run in stored(store))
    unrecorded = {way: set(mine) - set(recorded) for way, mine in profits.items()}
    assert recorded == list(range(2 * len(ways))), unrecorded
    assert count_in(ran.stderr) == str(2 * len(ways))


SURROUNDINGS = """
import os, subprocess, sys
code = '''
import sys
print(sys.path, sys.argv, sys.flags)
print(sorted(m for m in sys.modules if "backtest_store" in m or "typing" in m or "json" in m))
print([type(f).__name__ for f in sys.meta_path][-3:])
'''
for flags in ([], ["-I"], ["-E"], ["-s"]):
    subprocess.run([sys.executable, *flags, "-c", code, "x"], check=True)
"""


def test_child_without_a_backtest_is_left_alone(store: str, tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(SURROUNDINGS)
    alone, ran = python(path), btstore(path)
    assert (ran.stdout, ran.returncode) == (alone.stdout, 0)
    assert (without_count(ran.stderr), count_in(ran.stderr)) == (alone.stderr, "no")


def test_sitecustomize_of_the_user_is_loaded_as_ever(store: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('mine', __file__)")
    path = tmp_path / "script.py"
    code = "import sitecustomize, sys; print(sitecustomize.__file__)"
    path.write_text(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}])")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), ROOT])}
    env["PYTHONUNBUFFERED"] = "1"  # so that each process prints as it goes
    alone, ran = (
        subprocess.run([*command, str(path)], capture_output=True, text=True, check=False, env=env)
        for command in ([sys.executable], BTSTORE)
    )
    assert alone.stdout.count("sitecustomize.py") == 3
    assert ran.stdout == alone.stdout


def test_child_costs_next_to_nothing(store: str, tmp_path: Path) -> None:
    code = "import sys; print(len(sys.modules))"
    path = tmp_path / "script.py"
    path.write_text(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}])")
    alone, ran = int(python(path).stdout), int(btstore(path).stdout)
    assert ran - alone <= 1  # `sitecustomize` itself


def test_child_without_our_package_says_so_and_goes_on(store: str, tmp_path: Path) -> None:
    """Another environment, say, whose Python finds NautilusTrader and not all that we need."""
    path = tmp_path / "script.py"
    block = "import sys; sys.modules['backtest_store.capture.engine_recorder'] = None"
    code = f"{block}; import runpy; print(runpy.run_path({str(path)!r})['work'](1))"
    path.write_text(WORK + MAIN + f"    subprocess.run([sys.executable, '-c', {code!r}])\n")
    ran = forked.btstore("exec", path)
    assert ran.stdout == "1\n"
    assert "are not recorded:" in ran.stderr
    assert count_in(ran.stderr) == "no"
