"""The Python processes that a script under `btstore exec` starts record their runs, too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.capture.stores import shared_url, store, stored
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
MAIN = "if __name__ == '__main__':\n    "
WAYS = {
    "spawn pool": "import multiprocessing as m\n    with m.get_context('spawn').Pool(1) as pool:\n"
    "        print(pool.map(work, range(2)))",
    "forkserver pool": "import multiprocessing as m\n"
    "    with m.get_context('forkserver').Pool(1) as pool:\n        print(pool.map(work, range(2)))",
    "executor": "import multiprocessing as m\n    from concurrent.futures import ProcessPoolExecutor\n"
    "    with ProcessPoolExecutor(1, m.get_context('spawn')) as pool:\n"
    "        print(list(pool.map(work, range(2))))",
    "subprocess": "import subprocess\n    for n in '01':\n"
    "        code = f'import runpy; runpy.run_path({__file__!r})[\"work\"]({n})'\n"
    "        subprocess.run([sys.executable, '-c', code], check=True)",
    "shell": "import os\n    for n in '01':\n"
    "        os.system(f'''{sys.executable} -c 'import runpy; runpy.run_path(\"{__file__}\")[\"work\"]({n})' ''')",
    "grandchild": "import subprocess\n"
    "    code = f'import runpy; w = runpy.run_path({__file__!r})[\"work\"]; w(0); w(1)'\n"
    "    wrap = f'import subprocess, sys; subprocess.run([sys.executable, \"-c\", {code!r}], check=True)'\n"
    "    subprocess.run([sys.executable, '-c', wrap], check=True)",
    "loky": "import joblib\n"
    "    print(joblib.Parallel(1, backend='loky')(joblib.delayed(work)(n) for n in range(2)))\n"
    "    from joblib.externals.loky import get_reusable_executor as e\n    e().shutdown()",
    "thread": "import threading, time\n"
    "    threading.Thread(target=lambda: (time.sleep(0.3), work(0), work(1))).start()",
}


@pytest.mark.parametrize("way", WAYS)
def test_runs_of_children_are_recorded_and_counted(store: str, tmp_path: Path, way: str) -> None:
    path = tmp_path / "script.py"
    path.write_text(WORK + MAIN + WAYS[way] + "\n")
    alone, ran = python(path), btstore(path, cwd=tmp_path)
    assert alone.returncode == ran.returncode == 0, ran.stderr
    assert ran.stdout == alone.stdout
    assert without_count(ran.stderr) == alone.stderr
    assert [run["status"] for run in stored(store)] == ["success", "success"]
    assert sorted(run["net_profit"] for run in stored(store)) == [0, 1]
    assert count_in(ran.stderr) == "2"


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
    alone, ran = (
        subprocess.run([*command, str(path)], capture_output=True, text=True, check=False, env=env)
        for command in ([sys.executable], BTSTORE)
    )
    assert alone.stdout.count("sitecustomize.py") == 3
    # Which of two processes empties its buffer first is nobody's business.
    assert sorted(ran.stdout.splitlines()) == sorted(alone.stdout.splitlines())


def test_child_costs_next_to_nothing(store: str, tmp_path: Path) -> None:
    code = "import sys; print(len(sys.modules))"
    path = tmp_path / "script.py"
    path.write_text(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}])")
    alone, ran = int(python(path).stdout), int(btstore(path).stdout)
    assert ran - alone <= 1  # `sitecustomize` itself


def test_child_without_our_package_says_so_and_goes_on(store: str, tmp_path: Path) -> None:
    """Another environment, say, whose Python finds NautilusTrader and not all that we need."""
    path = tmp_path / "script.py"
    block = "import sys; sys.modules['backtest_store.hook'] = None"
    code = f"{block}; import runpy; print(runpy.run_path({str(path)!r})['work'](1))"
    path.write_text(
        WORK + MAIN + f"import subprocess; subprocess.run([sys.executable, '-c', {code!r}])\n"
    )
    ran = btstore(path)
    assert ran.stdout == "1\n"
    assert "are not recorded:" in ran.stderr
    assert count_in(ran.stderr) == "no"
