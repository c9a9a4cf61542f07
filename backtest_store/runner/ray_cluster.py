"""Work on items on a Ray cluster, whose nodes have this package and reach the store."""

from __future__ import annotations

import os
import socket
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING, Any, Self, TypeVar

from backtest_store.errors import StoreError, UnreachableError, UsageError
from backtest_store.runner.parallel import GRACE, WorkerDied, Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Item = TypeVar("Item")
Result = TypeVar("Result")

LOCAL = "local"
STORE = "BTSTORE_DATABASE_URL"
CONNECT_SECONDS = 5.0
MOST_ATTEMPTS = 3
AHEAD = 2  # tasks for each processor, so that none waits for this process


class RayCluster(Workers):
    """Works on items on a Ray cluster. An item whose worker is lost is given to another.

    Of that one, `work.again` does the work if there is such a method: the lost worker may have
    been done but for saying so.

    The address is what `ray.init` takes: ``auto`` for the cluster that this machine belongs to,
    ``local`` for one that lasts as long as the work.
    """

    def __init__(self, address: str) -> None:
        if find_spec("ray") is None:
            raise StoreError("Ray is not installed", hint="install ray beside btstore")
        if address != LOCAL and not os.environ.get(STORE):
            raise UsageError(
                f"{STORE} is not set, and a cluster does not reach the store of this machine",
                hint=f"set {STORE} to a PostgreSQL server that every node reaches",
            )
        self._address = address
        self._under_way: dict[Any, tuple[int, Any, int]] = {}

    def __enter__(self) -> Self:
        import ray
        from ray.exceptions import RayError

        if self._address == LOCAL:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            _require_listener(self._address)
            ray.init(address=self._address, log_to_driver=False, logging_level="ERROR")
        except (OSError, ValueError, RayError) as error:
            raise UnreachableError(
                f"cannot reach Ray at {self._address}: {str(error).partition(chr(10))[0]}",
                hint="start it with `ray start --head`, or give its address",
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        """Interrupt what is under way, which is then saved, and leave the cluster."""
        import ray

        try:
            for task in self._under_way:
                ray.cancel(task, force=False)
            if self._under_way:
                ray.wait([*self._under_way], num_returns=len(self._under_way), timeout=GRACE)
        finally:
            self._under_way.clear()
            ray.shutdown()

    def each(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[int, Result | WorkerDied]]:
        """Yield the place of each item and what became of it, in the order in which they end."""
        import ray

        waiting = ((number, item, 1) for number, item in enumerate(items))
        most = AHEAD * int(ray.cluster_resources().get("CPU", 1))
        for task in islice(waiting, most):
            self._submit(work, *task)
        while self._under_way:
            (done,), _ = ray.wait([*self._under_way], num_returns=1)
            number, item, attempt = self._under_way.pop(done)
            result = _result(done)
            if isinstance(result, WorkerDied) and attempt < MOST_ATTEMPTS:
                self._submit(work, number, item, attempt + 1)
                continue
            yield number, result
            for task in islice(waiting, 1):  # asked for no sooner: it may depend on results
                self._submit(work, *task)

    def _submit(self, work: Callable[[Any], Any], number: int, item: object, attempt: int) -> None:
        import ray

        todo = work if attempt == 1 else getattr(work, "again", work)
        remote = ray.remote(max_retries=0)(_work)
        # Ray shows what tasks are called and their environment, but not their arguments.
        task = remote.remote(os.environ.get(STORE), todo, item)
        self._under_way[task] = (number, item, attempt)


def _require_listener(address: str) -> None:
    """Find out in seconds that nobody listens, for which Ray takes minutes."""
    host, _, port = address.rpartition(":")
    if port.isdecimal():
        socket.create_connection((host.rpartition("/")[2], int(port)), CONNECT_SECONDS).close()


def _result(task: Any) -> Any:
    """Return what a task returned, or that its worker was lost."""
    import ray
    from ray.exceptions import RayError

    try:
        return ray.get(task)
    except RayError as error:
        reason = str(error).strip().partition("\n")[0]
        return WorkerDied(f"its Ray worker was lost: {reason or type(error).__name__}")


def _work(store: str | None, work: Callable[[Any], Any], item: object) -> object:
    """Do the work in a worker, whose own environment knows best where the store is."""
    if store is not None:
        os.environ.setdefault(STORE, store)
    return work(item)
