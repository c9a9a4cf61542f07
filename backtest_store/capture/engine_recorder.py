"""Record the runs of one engine as they come and go."""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import replace
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

from backtest_store.capture.engines.interface import Backtest, backtest_of
from backtest_store.capture.error_boundary import guarded
from backtest_store.capture.run_details import RunDetails
from backtest_store.capture.run_record import StartedRun, begin, finish
from backtest_store.log import get_logger
from backtest_store.models import Record
from backtest_store.saving import save
from backtest_store.saving.crash_journal import Entry, open_entry

REMEMBERED = 4096
UNWATCHED_START = (
    "the run began before it was watched: which data it saw and its daily equity are not known"
)


class StoreSink:
    """Where runs go: a note in the journal when one begins, the store when it has ended."""

    def begin(self, record: Record) -> Entry:
        """Note in the journal that a run has begun, and have somewhere to save it when it ends."""
        save.prepare()
        return open_entry(record)

    def save(self, record: Record, entry: Entry | None) -> bool:
        """Save a run: into the database, or the spool if it cannot take it; say which."""
        return save.save_record(record, entry)


class EngineRecorder:
    """Watches an engine from `attach` to `detach`, and hands each of its runs to a sink.

    A run is handed over when the engine has ended it. Only the process that began a run does so: a
    forked one has a copy of all this, and may leave first.
    """

    def __init__(
        self,
        engine: Any,
        details: RunDetails,
        sink: StoreSink,
        *,
        is_for_one_run: bool = False,
        backtest: Backtest | None = None,
    ) -> None:
        self.engine = engine
        self.runs = 0
        self._backtest = backtest_of(engine) if backtest is None else backtest
        self._details = details
        self._sink = sink
        self._is_for_one_run = is_for_one_run
        self._begun: StartedRun | None = None
        self._entry: Entry | None = None
        self._attached_in: int | None = None
        self._begun_in: int | None = None

    @property
    def has_run(self) -> bool:
        """Tell whether the engine has begun a run already."""
        return self.engine.run_id is not None

    def attach(self) -> None:
        """Begin to watch, unless another recorder watches this engine already."""
        with guarded("watch the engine"):
            if self._backtest.follow(self):
                self._attached_in = os.getpid()

    def detach(self, error: BaseException | None = None, *, must_have_run: bool = False) -> None:
        """Save the run under way, or the one that an exception kept from beginning, and leave."""
        if self._attached_in is None:
            return
        with guarded("save the run"):
            has_none = not self.runs and self._attached_in == os.getpid()
            if self._begun is not None or (has_none and (error is not None or must_have_run)):
                self._finish(error)
        with guarded("leave the engine"):
            self._attached_in = None
            self._backtest.leave(self)

    def began(self) -> None:
        """Note that a run has begun, unless it goes on."""
        with guarded("follow the run"):
            if self._begun is None:
                self._begin()

    def ended(self) -> None:
        """Save the run that the engine has ended, or is about to forget."""
        with guarded("save the run"):
            if self._begun is not None:
                self._finish()

    def raised(self, error: BaseException, runs: int) -> None:
        """Save the run that an exception has ended or kept from beginning."""
        with guarded("save the run"):
            if self._begun is not None or self.runs == runs:
                self._finish(error)

    def called(self) -> None:
        """Take note of the data that a run under way goes on with: it is streamed in portions."""
        with guarded("read the market data"):
            if self._begun is not None:
                self._begun.identity.see(self._backtest.portion())

    def _begin(self) -> None:
        started = perf_counter()
        self._begun_in = os.getpid()
        self._begun = begun = begin(self._backtest, self._details, run_id_of(self._backtest))
        self._entry = self._sink.begin(begun.record)
        self._backtest.begin()
        begun.clock = perf_counter()
        begun.overhead = begun.clock - started

    def _finish(self, error: BaseException | None = None) -> None:
        """Capture and save the run that has ended, by an exception if one is given."""
        begun, entry = self._begun, self._entry
        self._begun = self._entry = None
        if begun is not None:
            self._backtest.stop_watching()
        if begun is not None and self._begun_in != os.getpid():
            return
        outcome = self._backtest.outcome(error, has_begun=begun is not None)
        if begun is None and error is None:
            get_logger().warning(UNWATCHED_START)
            outcome = replace(outcome, warnings=[*outcome.warnings, UNWATCHED_START])
        begun = begun or begin(self._backtest, self._details, uuid4())
        record = finish(self._backtest, begun, outcome)
        self.runs += 1
        self._sink.save(record, entry)
        if self._is_for_one_run:
            self.detach()


_RUN_IDS: OrderedDict[tuple[str, str], UUID] = OrderedDict()


def run_id_of(backtest: Backtest) -> UUID:
    """Return the id under which this process saves the run that an engine is at.

    It is not the engine's own: NautilusTrader draws that from a generator which forked processes
    share the state of, so two workers of a pool give the same id to different runs.
    """
    key = backtest.key
    if key is None:
        return uuid4()
    while len(_RUN_IDS) >= REMEMBERED:
        _RUN_IDS.popitem(last=False)
    return _RUN_IDS.setdefault(key, uuid4())
