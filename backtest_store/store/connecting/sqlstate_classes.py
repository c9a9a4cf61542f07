"""What the failure of a save means: the one list of PostgreSQL's SQLSTATE classes."""

from __future__ import annotations

from enum import Enum, auto

from backtest_store.errors import SchemaError, StoreError, UnreachableError


class Failure(Enum):
    """What to do about a run that the database did not take."""

    PASSING = auto()
    """Try again: it may pass within seconds."""
    LASTING = auto()
    """Keep the run for later: somebody has to act first."""
    REJECTED = auto()
    """Keep the run and the reason: the database will never take it as it is."""


# Classes have two characters, single conditions five; the longer match counts.
MEANING = {
    "08": Failure.PASSING,  # connection exception
    "25006": Failure.PASSING,  # read-only transaction: a standby that may be promoted
    "25P03": Failure.PASSING,  # idle in transaction for too long
    "26": Failure.PASSING,  # no such prepared statement: a pooler's doing
    "40": Failure.PASSING,  # transaction rollback: deadlock, serialisation
    "42P05": Failure.PASSING,  # prepared statement exists: a pooler's doing
    "53": Failure.PASSING,  # insufficient resources: connections, disk, memory
    "55": Failure.PASSING,  # object not in prerequisite state: locked
    "57": Failure.PASSING,  # operator intervention: shutdown, restart, timeout
    "58": Failure.PASSING,  # system error
    "22": Failure.REJECTED,  # data exception
    "23": Failure.REJECTED,  # integrity constraint violation
    "54": Failure.REJECTED,  # program limit exceeded: too large
}


def meaning(error: BaseException) -> Failure:
    """Return what an error of the driver, the network or the store means for a save."""
    if isinstance(error, StoreError):
        return _meaning_of_ours(error)
    state: str | None = getattr(error, "sqlstate", None)
    if state is not None:
        return MEANING.get(state) or MEANING.get(state[:2], Failure.LASTING)
    return Failure.PASSING if _is_of_the_connection(error) else Failure.LASTING


def _meaning_of_ours(error: StoreError) -> Failure:
    if isinstance(error, SchemaError) or error.__cause__ is None:
        return Failure.LASTING
    found = meaning(error.__cause__)
    unreachable = isinstance(error, UnreachableError)
    return Failure.LASTING if unreachable and found is Failure.REJECTED else found


def _is_of_the_connection(error: BaseException) -> bool:
    import asyncpg

    if isinstance(error, asyncpg.ClientConfigurationError):
        return False
    return isinstance(error, (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError))
