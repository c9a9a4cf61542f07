"""Migrate or roll back a database, killed before its 1st, its 2nd … statement, until none is left.

Statements that only comment are passed over: half of all, and each is like the one before.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from unittest import mock

import psycopg

from backtest_store.store import migrations

execute = psycopg.Cursor.execute
MARKS = ('INSERT INTO "_yoyo_migration"', 'DELETE FROM "_yoyo_migration"')
AT_THE_MARK = -1


def dying(work: Callable[[str], object], url: str, *, stride: Callable[[], int]) -> Iterator[int]:
    """Do the work again and again, killed each time before a later statement, until it is done.

    First of all before the statement that marks it as done: where steps and mark come apart, that
    is the moment. Yields after each kill the number of the statement; the next is `stride()`
    further on.
    """
    parsed = migrations._migrations()  # once: parsing takes ten times as long as all the rest
    for migration in parsed:
        migration.load()
    statement = stride() - 1
    with mock.patch.object(migrations, "_migrations", return_value=parsed):
        assert not _survives(work, url, AT_THE_MARK), "it was to be marked"
        yield AT_THE_MARK
        while not _survives(work, url, statement):
            yield statement
            statement += stride()


def _survives(work: Callable[[str], object], url: str, statement: int) -> bool:
    """Do the work in a process of its own; say whether it was not killed."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or not os.waitstatus_to_exitcode(status), statement
        return not os.WIFSIGNALED(status)
    _die_before(statement)
    try:
        work(url)
    except BaseException as error:  # noqa: BLE001 - a forked process goes no further
        sys.stderr.write(f"{error}\n")
        os._exit(1)
    os._exit(0)


def _die_before(statement: int) -> None:
    left = count(statement, -1)

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        query = str(args[0])
        is_last = statement == AT_THE_MARK and query.startswith(MARKS)
        if is_last or (not query.startswith("COMMENT") and next(left) == 0):
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(self, *args, **kwargs)

    psycopg.Cursor.execute = counted  # type: ignore[method-assign]
