"""A run on its way to the store, and the last thing to do with one that did not get there."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backtest_store.errors import UsageError
from backtest_store.log import get_logger
from backtest_store.models import Record, to_json
from backtest_store.saving import journal, spool
from backtest_store.store import settings
from backtest_store.store.failures import Failure, meaning

if TYPE_CHECKING:
    from uuid import UUID

NOT_ALLOWED = "42501"  # SQLSTATE: insufficient privilege


@dataclass(frozen=True)
class Unsaved:
    """A run on its way: its JSON, where it is to go, and its note in the journal."""

    run_id: UUID
    record: str
    settings: settings.Settings
    entry: journal.Entry


class Pending:
    """The end of a save, which another thread waits for."""

    def __init__(self) -> None:
        self._is_saved = False
        self._settled = threading.Lock()  # of a Future's parts the only one needed, and the fastest
        self._settled.acquire()

    def settle(self, *, is_saved: bool) -> None:
        """Say, once, whether the database has the run."""
        self._is_saved = is_saved
        self._settled.release()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, and return whether the database has the run.

        Raises
        ------
        TimeoutError
            If it does not come in time.
        """
        if not self._settled.acquire(timeout=seconds):
            raise TimeoutError("no thread saves the run")
        return self._is_saved


def unsaved(record: Record, entry: journal.Entry) -> Unsaved:
    """Return a run as it is to be saved, going to where the environment says.

    Raises
    ------
    UsageError
        If the environment cannot be understood.
    pydantic.ValidationError, pydantic_core.PydanticSerializationError
        If the record is not one.
    """
    found = settings.Settings.from_environment()
    return Unsaved(record.run_id, to_json(record), found, entry)


def unsaved_somehow(record: Record, entry: journal.Entry) -> Unsaved:
    """Return a run as it can be spooled even if the environment or the record is wrong."""
    try:
        return unsaved(record, entry)
    except UsageError:
        here, text = settings.Settings(home=settings.home()), to_json(record)
    except (ValueError, RecursionError):
        here, text = settings.Settings.from_environment(), _json_somehow(record)
    return Unsaved(record.run_id, text, here, entry)


def _json_somehow(record: Record) -> str:
    """Write what is no record as well as can be; whether it is one, the database will judge."""
    return json.dumps({name: _plain(value) for name, value in vars(record).items()})


def _plain(value: object) -> object:
    try:
        return json.loads(json.dumps(value, default=str, skipkeys=True))
    except (ValueError, RecursionError):
        return _described(value)


def _described(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - nested too deep, or a stranger's that cannot say what it is
        return f"<{type(value).__qualname__}>"


def put_by(run: Unsaved, failure: BaseException, *, is_news: bool = True) -> None:
    """Leave a run in the spool and say so, in one line.

    Raises
    ------
    OSError, StoreError
        If the spool does not take it.
    """
    path = spool.add(run.settings.home, run.run_id, run.record)
    run.entry.close()
    if meaning(failure) is Failure.REJECTED:
        kept = spool.reject(path, str(failure))
        reason = str(failure).partition("\n")[0]  # what follows quotes the whole row
        get_logger().warning(f"the database rejected run {run.run_id}: {reason}", file=kept)
        return
    log = get_logger().warning if is_news else get_logger().info
    reason = str(failure) or type(failure).__name__
    then = "you may only read here; ask for btstore_writer, then run `btstore sync`"
    if getattr(failure.__cause__ or failure, "sqlstate", None) != NOT_ALLOWED:
        then = "`btstore sync` saves it"
    log(f"{reason}; a run waits in the spool: {then}", file=path)
