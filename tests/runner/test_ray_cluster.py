"""The same work on a Ray cluster of several local processes."""

import os
import signal
import threading
from functools import partial
from pathlib import Path

import psycopg
import pytest

ray = pytest.importorskip("ray")

from backtest_store.runner.parallel import WorkerDied  # noqa: E402
from backtest_store.runner.ray_cluster import RayCluster  # noqa: E402
from tests.capture.stores import shared_url, store, stored  # noqa: E402, F401 - fixtures
from tests.shell import btstore  # noqa: E402

CONFIG = """
strategy = "sma_crossover"
[parameters]
slow_period = 20
equity_fraction = 0.95
[data]
source = "sp500_daily"
start = 2005-01-01
end = 2005-06-30
[venue]
taker_fee = 0.0001
"""


class DieOnce:
    """Kills its worker at the first attempt."""

    def __call__(self, item: int) -> int:
        """Die."""
        os.kill(os.getpid(), signal.SIGKILL)
        return item

    def again(self, item: int) -> int:
        """Live."""
        return -item


def test_work_is_done_once_by_whoever_lives() -> None:
    with RayCluster("local") as workers:
        assert sorted(workers.each(abs, range(-8, 0))) == list(enumerate(range(8, 0, -1)))
        assert list(workers.each(DieOnce(), [3])) == [(0, -3)]
        ((_, dead),) = workers.each(os._exit, [1])
        assert isinstance(dead, WorkerDied)
        assert "its Ray worker was lost" in dead.reason


def test_a_grid_runs_on_ray(store: str, tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_text(CONFIG)
    answer = btstore("run", str(path), "--set", "fast_period=3,4,5,6", "--ray", "local")
    assert answer.code == 0, answer.err
    assert answer.err == "4 saved\n"
    assert {run["parameters"]["fast_period"] for run in stored(store)} == {3, 4, 5, 6}


def test_without_an_address_there_has_to_be_a_cluster(store: str, tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_text(CONFIG)
    answer = btstore("run", "--ray", str(path), "--set", "fast_period=3")
    assert (answer.code, answer.out) == (4, "")
    assert "cannot reach Ray at auto" in answer.err
    assert "ray start --head" in answer.err


def test_a_cluster_that_is_not_there_is_named(store: str, tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_text(CONFIG)
    answer = btstore("run", str(path), "--set", "fast_period=3", "--ray", "127.0.0.1:1")
    assert (answer.code, answer.out) == (4, "")
    assert "cannot reach Ray at 127.0.0.1:1" in answer.err


def test_the_store_of_this_machine_is_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BTSTORE_DATABASE_URL", raising=False)
    with pytest.raises(Exception, match="a cluster does not reach the store of this machine"):
        RayCluster("auto")


def test_ten_workers_save_through_small_pools(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "init", partial(ray.init, num_cpus=10))  # so many workers it has
    path = tmp_path / "grid.toml"
    path.write_text(CONFIG)
    most, is_over = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        with psycopg.connect(store, autocommit=True) as db:
            while not is_over.wait(0.05):
                others = db.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid()"
                ).fetchone()
                most = max(most, others[0] if others else 0)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        answer = btstore("run", str(path), "--set", "fast_period=2..19", "--set", "slow_period=20,25", "--ray", "local")  # fmt: skip
    finally:
        is_over.set()
        watching.join()
    assert answer.code == 0, answer.err
    assert len(stored(store)) == 36
    assert 5 <= most <= 10 * 2 + 1  # two connections of each worker at most, and this process's
