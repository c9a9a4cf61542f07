"""Record the runs of one engine as they come and go."""

from __future__ import annotations

from collections import OrderedDict
from time import perf_counter
from typing import TYPE_CHECKING, Protocol
from uuid import UUID, uuid4

from backtest_store.capture.accounting.sampler import FIRST, Sampler, sampler_of
from backtest_store.capture.details import Details, Outcome, outcome_of
from backtest_store.capture.engines import stops
from backtest_store.capture.guard import guarded
from backtest_store.capture.identity.json_values import clean
from backtest_store.capture.run import Begun, begin, finish
from backtest_store.models import Record
from backtest_store.saving.journal import Entry

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.common.messages import ComponentStateChanged, ShutdownSystem

# The first component that `run` starts, and the first that `reset` and `dispose` empty.
WATCHED = "events.system.DataEngine"
SHUTDOWN = "commands.system.shutdown"
END_OF_RUN = ("RESETTING", "DISPOSING")
UNENDED = Outcome(
    status="interrupted",
    error_message="the run did not reach its end: its exception was handled, or `engine.end()` "
    "was not called after `run(streaming=True)`",
)
REMEMBERED = 4096


class Sink(Protocol):
    """Where runs go: a note when one begins, the record when it has ended."""

    def begin(self, record: Record) -> Entry:
        """Note in the journal that a run has begun."""

    def save(self, record: Record, entry: Entry | None) -> object:
        """Save a run that has ended, and close its note."""


class EngineRecorder:
    """Watches an engine from `attach` to `detach`, and hands each of its runs to a sink."""

    def __init__(self, engine: BacktestEngine, details: Details, sink: Sink) -> None:
        self._engine = engine
        self._details = details
        self._sink = sink
        self._sampler: Sampler | None = None
        self._begun: Begun | None = None
        self._entry: Entry | None = None
        self._seen = stops.Seen()
        self._is_attached = False
        self.runs = 0

    def attach(self) -> None:
        """Begin to watch, unless another recorder watches this engine already."""
        with guarded("watch the engine"):
            if id(self._engine) in WATCHED_ENGINES:
                return
            self._sampler = sampler_of(self._engine)
            stops.note_account_errors()
            bus = self._engine.kernel.msgbus
            bus.subscribe(WATCHED, self._on_state, FIRST)
            bus.subscribe(SHUTDOWN, self._on_shutdown, FIRST)
            WATCHED_ENGINES.add(id(self._engine))
            self._is_attached = True

    def detach(self, error: BaseException | None = None, *, must_have_run: bool = False) -> None:
        """Save the run under way, or the one that an exception kept from beginning, and leave."""
        if not self._is_attached:
            return
        with guarded("save the run"):
            if self._begun is not None or error is not None or (must_have_run and not self.runs):
                self.finish(error)
        with guarded("leave the engine"):
            WATCHED_ENGINES.discard(id(self._engine))
            self._is_attached = False
            bus = self._engine.kernel.msgbus
            for topic, handler in ((WATCHED, self._on_state), (SHUTDOWN, self._on_shutdown)):
                if bus.is_subscribed(topic, handler):
                    bus.unsubscribe(topic, handler)

    def _on_state(self, event: ComponentStateChanged) -> None:
        with guarded("follow the run"):
            state = event.state.name
            if state == "RUNNING" and self._begun is None:
                self._begin()
            elif state == "STOPPING":
                self._seen.account_error = stops.account_error()
                self._seen.is_flagged = stops.is_flagged()
            elif state in END_OF_RUN and self._begun is not None:
                self.finish()

    def _on_shutdown(self, command: ShutdownSystem) -> None:
        """Note a command that stops a run; one that comes while it ends stops nothing."""
        with guarded("follow the run"):
            if self._engine.trader.is_running and command.trader_id == self._engine.trader_id:
                self._seen.shutdown = command

    def _begin(self) -> None:
        started = perf_counter()
        self._seen = stops.Seen()
        stops.watch()
        self._begun = begun = begin(self._engine, self._details, run_id_of(self._engine))
        self._entry = self._sink.begin(begun.record)
        if self._sampler is not None:
            self._sampler.begin(self._engine)
        begun.clock = perf_counter()
        begun.overhead = begun.clock - started

    def finish(self, error: BaseException | None = None) -> None:
        """Capture and save the run that has ended, by an exception if one is given."""
        begun, entry = self._begun, self._entry
        self._begun = self._entry = None
        samples = None if self._sampler is None or begun is None else self._sampler.end()
        begun = begun or begin(self._engine, self._details, run_id_of(self._engine))
        record = finish(self._engine, begun, self._outcome(error), samples)
        self.runs += 1
        self._sink.save(record, entry)

    def _outcome(self, error: BaseException | None) -> Outcome:
        if error is not None:
            return outcome_of(error)
        return UNENDED if is_under_way(self._engine) else ended(self._engine, self._seen)


def outcome_of_engine(engine: BacktestEngine) -> Outcome:
    """Return how the run that an engine has behind it came out, as far as the engine shows it."""
    return UNENDED if is_under_way(engine) else ended(engine, None)


def is_under_way(engine: BacktestEngine) -> bool:
    """Tell whether an engine has begun a run, and not come to its end."""
    is_over = engine.run_finished is not None and not engine.trader.is_running
    return not is_over and engine.run_id is not None


def ended(engine: BacktestEngine, seen: stops.Seen | None) -> Outcome:
    """Return how a run came out whose end was reached: with success, or stopped."""
    stop = stops.stop_of(engine, seen)
    if stop is None:
        return Outcome()
    return Outcome(status="stopped", error_type=stop.kind, error_message=clean(stop.reason))


WATCHED_ENGINES: set[int] = set()
_RUN_IDS: OrderedDict[tuple[str, str], UUID] = OrderedDict()


def run_id_of(engine: BacktestEngine) -> UUID:
    """Return the id of an engine's run, the same each time it is asked for in this process.

    It is not the engine's own: NautilusTrader draws that from a generator which forked processes
    share the state of, so two workers of a pool give the same id to different runs.
    """
    if engine.run_id is None:
        return uuid4()
    key = (str(engine.instance_id), str(engine.run_id))
    while len(_RUN_IDS) >= REMEMBERED:
        _RUN_IDS.popitem(last=False)
    return _RUN_IDS.setdefault(key, uuid4())
