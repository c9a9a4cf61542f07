"""A run on its way to the store: how it is written down, and kept if it does not get there."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backtest_store.errors import UnreachableError, UsageError
from backtest_store.log import get_logger
from backtest_store.models import Record, to_json
from backtest_store.saving import crash_journal, durable_files, spool
from backtest_store.store import settings
from backtest_store.store.connecting.sqlstate_classes import Failure, meaning
from backtest_store.store.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

NOT_ALLOWED = "42501"  # SQLSTATE: insufficient privilege


class News:
    """Whether this process says that a store cannot be reached, or the one that started it does."""

    is_told_by_another = False


@dataclass(eq=False)
class UnsavedRun:
    """A run on its way, and its note in the journal."""

    run_id: UUID
    record: str
    settings: Settings
    entry: crash_journal.Entry
    store: str | None
    file: Path | None = None

    def keep(self) -> Path:
        """Leave it in the spool, or raise OSError or StoreError, and close its note."""
        if self.file is None:
            with durable_files.spare_descriptors():
                self.file = spool.add(self.settings.home, self.run_id, self.record, self.store)
        self.entry.close()
        return self.file

    def done(self) -> None:
        """Leave nothing of it on disk: the database has it."""
        self.entry.close()
        if self.file is not None:
            with suppress(OSError):
                self.file.unlink(missing_ok=True)


def keep(run: UnsavedRun, failure: BaseException, *, is_news: bool = True) -> None:
    """Leave a run in the spool, or under what was rejected, and say so in one line."""
    path = run.keep()
    if meaning(failure) is Failure.REJECTED:
        spool.warn_of_rejected(run.run_id, str(failure), spool.reject(path, str(failure)))
        return
    if News.is_told_by_another and isinstance(failure, UnreachableError):
        is_news = False
    log = get_logger().warning if is_news else get_logger().info
    reason = str(failure) or type(failure).__name__
    then = "you may only read here; ask for btstore_writer, then run `btstore sync`"
    if getattr(failure.__cause__ or failure, "sqlstate", None) != NOT_ALLOWED:
        then = "`btstore sync` saves it"
    log(f"{reason}; a run waits in the spool: {then}", file=path)


def unsaved(record: Record, entry: crash_journal.Entry) -> UnsavedRun:
    """Return a run as it is to be saved, going to where the environment says."""
    to = Settings.from_environment()
    return UnsavedRun(record.run_id, to_json(record), to, entry, to.store_name)


def unsaved_somehow(record: Record, entry: crash_journal.Entry) -> UnsavedRun:
    """Return a run as it can be spooled even if the environment or the record is wrong."""
    try:
        to = Settings.from_environment()
        store = to.store_name
    except UsageError:
        to, store = Settings(home=settings.home()), None
    try:
        text = to_json(record)
    except (ValueError, RecursionError):
        text = _json_somehow(record)
    return UnsavedRun(record.run_id, text, to, entry, store)


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
