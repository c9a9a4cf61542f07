"""Migrate or roll back a database, killed before its 1st, its 2nd … statement, until none is left.

Statements that only comment are passed over: half of all, and each is like the one before.

Usage: python -m tests.store.die_migrating URL migrate|rollback; prints how often it was killed.
"""

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

import psycopg

from backtest_store.store import migrations

execute = psycopg.Cursor.execute


def die_before(statement: int) -> None:
    """Have this process killed when it is about to send that statement."""
    left = count(statement, -1)

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not str(args[0]).startswith("COMMENT") and next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(self, *args, **kwargs)

    psycopg.Cursor.execute = counted  # type: ignore[method-assign]


def survives(statement: int, work: Callable[[str], object], url: str) -> bool:
    """Do the work in a process of its own; say whether it was not killed."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return False
        if os.waitstatus_to_exitcode(status):
            sys.exit(f"refused after a kill before statement {statement - 1}")
        return True
    die_before(statement)
    try:
        work(url)
    except BaseException as error:  # noqa: BLE001 - a forked process goes no further
        sys.stderr.write(f"{error}\n")
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    _, url, direction = sys.argv
    parsed = migrations._migrations()  # once: parsing takes ten times as long as all the rest
    for migration in parsed:
        migration.load()
    migrations._migrations = lambda: parsed
    work = {"migrate": migrations.migrate, "rollback": migrations.rollback}[direction]
    sys.stdout.write(str(next(kills for kills in count() if survives(kills, work, url))))
