"""Work is done once for each item, whatever happens to who does it."""

import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import pytest

from backtest_store.runner.parallel import ThisProcess, WorkerDied, WorkerProcesses, Workers


@pytest.mark.parametrize("workers", [ThisProcess(), WorkerProcesses(2)], ids=["here", "processes"])
def test_each_item_is_worked_on_once(workers: Workers) -> None:
    items = list(range(-20, 0))
    with workers:
        for _ in range(2):
            done = list(workers.each(abs, items))
            assert sorted(done) == [(place, abs(item)) for place, item in enumerate(items)]
        assert list(workers.each(abs, [])) == []


def test_a_worker_that_dies_is_reported_and_the_others_go_on() -> None:
    harmless = [signal.SIGCONT] * 5
    with WorkerProcesses(2) as workers:
        done = dict(workers.each(signal.raise_signal, [signal.SIGKILL, *harmless, signal.SIGTERM]))
    killed = {place: d for place, d in done.items() if isinstance(d, WorkerDied)}
    assert killed == {
        0: WorkerDied("its process was killed by SIGKILL"),
        6: WorkerDied("its process was killed by SIGTERM"),
    }
    assert len(done) == 7


@pytest.mark.parametrize("leave", [os._exit, sys.exit])
def test_a_worker_that_exits_is_reported(leave: Callable[[int], object]) -> None:
    with WorkerProcesses(1) as workers:
        assert list(workers.each(leave, [3])) == [
            (0, WorkerDied("its process ended with exit code 3"))
        ]


def test_a_worker_that_dies_idle_is_replaced() -> None:
    with WorkerProcesses(2) as workers:
        for worker in workers._workers:
            worker.process.kill()
            worker.process.join()
        assert sorted(workers.each(abs, [-1, -2, -3])) == [(0, 1), (1, 2), (2, 3)]


def test_no_list_of_processes_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", "postgresql://me:gehe1m@127.0.0.1:1/store")
    with WorkerProcesses(2) as workers:
        assert dict(workers.each(os.getenv, ["BTSTORE_DATABASE_URL"])) == {
            0: os.environ["BTSTORE_DATABASE_URL"]
        }
        processes = [str(worker.process.pid) for worker in workers._workers] + ["self"]
        seen = [Path("/proc", pid, "cmdline").read_bytes() for pid in processes]
    assert all(seen)
    assert b"gehe1m" not in b"".join(seen)


def test_who_stops_early_does_not_wait_for_what_is_under_way() -> None:
    with WorkerProcesses(2) as workers:
        next(workers.each(time.sleep, [0, 60, 60]))
        begun = [worker.process.pid for worker in workers._workers]
        start = time.monotonic()
    assert time.monotonic() - start < 30
    for pid in begun:
        with pytest.raises(ProcessLookupError):
            os.kill(pid or 0, 0)


def test_of_the_standard_librarys_pool_one_dead_worker_is_the_end() -> None:
    """Should this fail, that pool may do in place of ours."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert pool.submit(signal.raise_signal, signal.SIGKILL).exception()
        with pytest.raises(BrokenProcessPool):
            pool.submit(abs, -1)
