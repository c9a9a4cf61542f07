"""What can go wrong, in words for the person at the shell."""

from typing import ClassVar


class StoreError(Exception):
    """A failure that its reader can act on.

    Parameters
    ----------
    message : str
        What happened, with the value that was given.
    hint : str, optional
        What to do next.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(StoreError):
    """A value that was given cannot be used."""

    exit_code = 2


class RunNotFoundError(StoreError):
    """No run, or more than one, answers to the given selector."""

    exit_code = 3


class UnreachableError(StoreError):
    """The database cannot be reached."""

    exit_code = 4


class SchemaError(StoreError):
    """The database has no schema, an older one, or one that is newer than this version."""

    exit_code = 5


class ReproductionDiffersError(StoreError):
    """A run that was reproduced gave other metrics."""

    exit_code = 6
