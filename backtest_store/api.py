"""The store in Python, for notebooks: the questions that the shell asks, and typed answers.

Each call opens the store of the environment, asks, and leaves; those that only read do so in a
transaction that cannot write. They work inside a running event loop, too.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar, Unpack

from backtest_store.errors import UsageError
from backtest_store.models import RECORD_FIELDS, UNLISTED, Record
from backtest_store.runs import compare as comparing
from backtest_store.runs import listing as listings
from backtest_store.runs import pivot as pivoting
from backtest_store.runs import selectors
from backtest_store.runs.annotations import Changes, annotate, choose_ids
from backtest_store.runs.expressions.asked_filters import EVERY_RUN, Filters
from backtest_store.runs.filters import filters
from backtest_store.runs.listing import Listing
from backtest_store.runs.luck import best as judging
from backtest_store.runs.notebooks.runs import Runs, StoredRun
from backtest_store.runs.unknown_names import saying_unknown_names
from backtest_store.saving.sync import delete_runs
from backtest_store.store.connecting import connection
from backtest_store.store.record_fields import LISTED, QUALITIES, SORTABLE, known

if TYPE_CHECKING:
    from uuid import UUID

    from asyncpg import Connection

    from backtest_store.runs.compare import Comparison
    from backtest_store.runs.filters import Typed
    from backtest_store.runs.luck import ScopeName
    from backtest_store.runs.pivot import Pivot
    from backtest_store.statistics import Variance

    T = TypeVar("T")
    UseCase = Callable[[Connection], Awaitable[T]]

__all__ = ["Runs", "Store", "StoredRun"]
NEWEST = 20  # runs that a store shows of itself


class Store:
    """The store that the environment names: ``BTSTORE_DATABASE_URL``, else the embedded one.

    Every method asks what the command of its name does, and takes the same filters by name:
    ``strategy``, ``strategy_type``, ``instrument``, ``status``, ``since``, ``until``, ``tags``,
    ``batch``, ``parameters``, ``metrics`` and ``where``. Each raises what the shell
    reports: `UsageError` for what makes no sense, `RunNotFoundError`, `UnreachableError`; a name
    in a filter that no run has is a `UserWarning`.

    Examples
    --------
    >>> Store().runs(where="fast_period >= 10", sort="sharpe_ratio", limit=50).to_pandas()
    """

    def _repr_html_(self) -> str:
        return f"{self.runs(limit=NEWEST)._repr_html_()}<p>runs() has all</p>"

    def runs(
        self,
        where: str | None = None,
        *,
        sort: str = listings.NEWEST_FIRST,
        limit: int | None = None,
        columns: Sequence[str] | None = None,
        reproductions: bool = False,
        **asked: Typed,
    ) -> Runs[Record]:
        """Return runs, the newest first, or the best by a metric.

        Parameters
        ----------
        where : str, optional
            An expression, as ``--where`` takes it.
        sort : str
            A field: a metric has its best first, what is undefined comes last.
        limit : int, optional
            At most so many runs; all of them if it is not given.
        columns : sequence of str, optional
            What tables show: fields, and parameters, as ``fast_period``.
        reproductions : bool
            Whether reproductions of runs are among them.
        **asked
            Filters.
        """
        found = filters(where=where, **asked)
        order = known(sort, SORTABLE, "field")
        listing = Listing(found.conditions, order, reproductions=reproductions)
        fields = LISTED if UNLISTED.isdisjoint(columns or ()) else RECORD_FIELDS
        return Runs(_read(lambda db: listings.page(db, listing, limit, fields), found), columns)

    def run(self, selector: str) -> StoredRun:
        """Return one whole run.

        Parameters
        ----------
        selector : str
            A full id, its first 4 or more characters, ``@latest``, ``@best:sharpe_ratio`` …
        """
        found = _read(lambda db: selectors.resolve(db, selector))
        return StoredRun(**found.__dict__)

    def annotate(self, *runs: str, **changes: Unpack[Changes]) -> list[UUID]:
        """Change what is said of runs, and return their ids; what is not given stays as it is.

        Parameters
        ----------
        *runs : str
            Selectors, as `run` takes them, ``@batch`` or ``@starred``.
        add, remove : sequence of str
            Tags.
        note : str
            A remark; empty for none.
        starred : bool
            Whether it is one to come back to.
        name : str
            What lists call the run in place of its strategy; empty for that again.
        """
        return _asked(connection.call, lambda db: annotate(db, runs, **changes))

    def delete(
        self, *runs: str, keep_best: int = 0, by: str = "sharpe_ratio", **asked: Typed
    ) -> int:
        """Delete runs for good, without a question, and return how many there were.

        Parameters
        ----------
        *runs : str
            Selectors; all runs that the filters match if there are none.
        keep_best : int
            Leave so many of them, the best ones.
        by : str
            The metric that the best are by.
        **asked
            Filters.

        Raises
        ------
        UsageError
            If neither runs nor filters are given.
        """
        found = filters(**asked)
        if not (runs or found.conditions or keep_best):
            raise UsageError("name runs, or say which by filters")
        metric = known(by, QUALITIES, "metric to rank by")

        async def deleting(db: Connection) -> list[UUID]:
            ids = await choose_ids(db, runs, found, keep_best=keep_best, by=metric)
            return await delete_runs(db, ids)

        return len(_asked(connection.call, deleting))

    def compare(self, *runs: str, baseline: str | None = None) -> Comparison:
        """Put runs side by side.

        Parameters
        ----------
        *runs : str
            Selectors, as `run` takes them.
        baseline : str, optional
            The run that the others' metrics are measured against.
        """
        return _read(lambda db: comparing.compare(db, runs, baseline))

    def best(
        self,
        *,
        by: str = "sharpe_ratio",
        scope: ScopeName = "strategy",
        variance: Variance = "published",
        limit: int = 5,
        **asked: Typed,
    ) -> Runs[judging.JudgedRun]:
        """Return the best runs, and what each is worth given how many were tried.

        Parameters
        ----------
        by : str
            The metric that ranks them.
        scope : {'strategy', 'instrument', 'batch', 'store'}
            What counts as a trial.
        variance : {'published', 'null'}
            How uncertain a Sharpe ratio is.
        limit : int
            At most so many runs.
        **asked
            Filters.
        """
        metric = known(by, QUALITIES, "metric to rank by")
        found = filters(**asked)
        listing = Listing(found.conditions, metric)
        judged = _read(
            lambda db: judging.best(db, listing, limit, scope=scope, variance=variance), found
        )
        return Runs(judged)

    def pivot(
        self,
        parameter: str,
        second: str | None = None,
        *,
        metric: str = "sharpe_ratio",
        **asked: Typed,
    ) -> Pivot | None:
        """Return a metric over one or two parameters; None if no run matches.

        Parameters
        ----------
        parameter, second : str
            The parameters.
        metric : str
            The metric.
        **asked
            Filters.
        """
        name = known(metric, QUALITIES, "metric to show")
        inputs = [parameter] if second in (None, parameter) else [parameter, str(second)]
        found = filters(**asked)
        return _read(lambda db: pivoting.pivot(db, found.conditions, inputs, name), found)


def _read(use_case: UseCase[T], asked: Filters = EVERY_RUN) -> T:
    """Await a use case that only reads, in a transaction that sees one moment.

    Names in filters that no run has are warned of where the caller asked.
    """
    said: list[str] = []
    found = _asked(connection.read, saying_unknown_names(use_case, asked, said.append))
    for sentence in said:
        warnings.warn(sentence, UserWarning, stacklevel=3)
    return found


def _asked(call: Callable[[UseCase[T]], T], use_case: UseCase[T]) -> T:
    """Call with a use case, in a thread of its own if this one's event loop is running."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return call(use_case)
    threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="btstore-reading")
    try:
        return threads.submit(call, use_case).result()
    finally:
        threads.shutdown(wait=False)
