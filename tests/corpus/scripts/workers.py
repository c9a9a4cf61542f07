"""Runs in the workers of joblib, of a fork server, and of a Python that the script starts."""

import multiprocessing
import subprocess
import sys
from pathlib import Path

import joblib
from joblib.externals.loky import get_reusable_executor

from tests.capture.backtests import backtest


def work(size: int) -> int:
    made = backtest([100, 110, 120], {0: size})
    made.run()
    return int(made.iteration)


if __name__ == "__main__":
    print(joblib.Parallel(1, backend="loky")(joblib.delayed(work)(n) for n in (1, 2)))
    get_reusable_executor().shutdown()
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        print(pool.map(work, [3]))
    sys.stdout.flush()
    command = [sys.executable, "-c", "import workers; print(workers.work(4))"]
    subprocess.run(command, check=True, cwd=Path(__file__).parent)
