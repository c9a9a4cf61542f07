"""Record the runs of one engine as they come and go."""

from __future__ import annotations

import os
from collections import OrderedDict
from time import perf_counter
from typing import TYPE_CHECKING, Protocol
from uuid import UUID, uuid4

from backtest_store.capture.accounting.sampler import FIRST, Sampler, sampler_of
from backtest_store.capture.details import Details
from backtest_store.capture.engines import runs, stops
from backtest_store.capture.engines.v1 import listen, stop_listening
from backtest_store.capture.guard import guarded
from backtest_store.capture.outcome import outcome_of_run
from backtest_store.capture.run import Begun, begin, finish
from backtest_store.models import Record
from backtest_store.saving.journal import Entry

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.common.messages import ComponentStateChanged, ShutdownSystem

# The first component that `run` starts and stops, and that `reset` and `dispose` empty.
WATCHED = "events.system.DataEngine"
SHUTDOWN = "commands.system.shutdown"
EMPTIED = ("RESETTING", "DISPOSING")
REMEMBERED = 4096


class Sink(Protocol):
    """Where runs go: a note when one begins, the record when it has ended."""

    def begin(self, record: Record) -> Entry:
        """Note in the journal that a run has begun."""

    def save(self, record: Record, entry: Entry | None) -> object:
        """Save a run that has ended, and close its note."""


class EngineRecorder:
    """Watches an engine from `attach` to `detach`, and hands each of its runs to a sink.

    A run is handed over when the engine has ended it. Only the process that began a run does so:
    a forked one has a copy of all this, and may leave first.

    Parameters
    ----------
    is_for_one_run : bool
        Whether to leave the engine when a run has ended.
    """

    def __init__(
        self, engine: BacktestEngine, details: Details, sink: Sink, *, is_for_one_run: bool = False
    ) -> None:
        self.engine = engine
        self.runs = 0
        self._details = details
        self._sink = sink
        self._is_for_one_run = is_for_one_run
        self._sampler: Sampler | None = None
        self._begun: Begun | None = None
        self._entry: Entry | None = None
        self._seen = stops.Seen()
        self._attached_in: int | None = None
        self._begun_in: int | None = None

    def attach(self) -> None:
        """Begin to watch, unless another recorder watches this engine already."""
        with guarded("watch the engine"):
            if not runs.follow(self):
                return
            stops.note_account_errors()
            self._sampler = sampler_of(self.engine)
            bus = self.engine.kernel.msgbus
            listen(bus, WATCHED, self._on_state, FIRST)
            listen(bus, SHUTDOWN, self._on_shutdown, FIRST)
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
            runs.leave(self)
            bus = self.engine.kernel.msgbus
            stop_listening(bus, WATCHED, self._on_state)
            stop_listening(bus, SHUTDOWN, self._on_shutdown)

    def ended(self) -> None:
        """Save the run that the engine has ended."""
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
                self._begun.identity.see(self.engine.data)

    def _on_state(self, event: ComponentStateChanged) -> None:
        with guarded("follow the run"):
            state = event.state.name
            if state == "RUNNING" and self._begun is None:
                self._begin()
            elif state == "STOPPING":
                self._seen.account_error = stops.account_error()
                self._seen.is_flagged = stops.is_flagged()
            elif state in EMPTIED and self._begun is not None:
                self._finish()

    def _on_shutdown(self, command: ShutdownSystem) -> None:
        """Note a command that stops a run; one that comes while it ends stops nothing."""
        with guarded("follow the run"):
            if self.engine.trader.is_running and command.trader_id == self.engine.trader_id:
                self._seen.shutdown = command

    def _begin(self) -> None:
        started = perf_counter()
        self._seen = stops.Seen()
        stops.watch()
        self._begun_in = os.getpid()
        self._begun = begun = begin(self.engine, self._details, run_id_of(self.engine))
        self._entry = self._sink.begin(begun.record)
        if self._sampler is not None:
            self._sampler.begin(self.engine)
        begun.clock = perf_counter()
        begun.overhead = begun.clock - started

    def _finish(self, error: BaseException | None = None) -> None:
        """Capture and save the run that has ended, by an exception if one is given."""
        begun, entry = self._begun, self._entry
        self._begun = self._entry = None
        samples = None if self._sampler is None or begun is None else self._sampler.end()
        if begun is not None and self._begun_in != os.getpid():
            return
        outcome = outcome_of_run(self.engine, error, self._seen, has_begun=begun is not None)
        begun = begun or begin(self.engine, self._details, uuid4())
        record = finish(self.engine, begun, outcome, samples)
        self.runs += 1
        self._sink.save(record, entry)
        if self._is_for_one_run:
            self.detach()


_RUN_IDS: OrderedDict[tuple[str, str], UUID] = OrderedDict()


def run_id_of(engine: BacktestEngine) -> UUID:
    """Return the id under which this process saves the run that an engine is at.

    It is not the engine's own: NautilusTrader draws that from a generator which forked processes
    share the state of, so two workers of a pool give the same id to different runs.
    """
    if engine.run_id is None:
        return uuid4()
    key = (str(engine.instance_id), str(engine.run_id))
    while len(_RUN_IDS) >= REMEMBERED:
        _RUN_IDS.popitem(last=False)
    return _RUN_IDS.setdefault(key, uuid4())
