"""An engine of NautilusTrader 1.x, as the rest of capture asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from backtest_store.capture.accounting.capital import StartingCapital
from backtest_store.capture.accounting.days import moment
from backtest_store.capture.accounting.equity_sampler import FIRST, Sampler, Samples, sampler_of
from backtest_store.capture.accounting.valuation import Valuation
from backtest_store.capture.end_status import Outcome
from backtest_store.capture.engines import listeners
from backtest_store.capture.engines.interface import Backtest, Strategies
from backtest_store.capture.engines.nautilus1 import early_stops, engine_methods, internals
from backtest_store.capture.engines.nautilus1.exchanges import (
    exchanges,
    kept_by_the_process,
    model_classes,
)
from backtest_store.capture.engines.nautilus1.internals import listen, stop_listening
from backtest_store.capture.error_boundary import attempt, guarded
from backtest_store.capture.identity import components
from backtest_store.capture.identity.config_hash import Configuration, configuration_of
from backtest_store.capture.identity.config_snapshot import engine_snapshot
from backtest_store.capture.identity.data_fingerprint import MarketData
from backtest_store.capture.run_metrics import with_metrics
from backtest_store.models import Json, Record

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.common.messages import ComponentStateChanged, ShutdownSystem

    from backtest_store.capture.engine_recorder import EngineRecorder
    from backtest_store.capture.identity.code.code_hash import Code

# The first component that `run` starts and stops, and that `reset` and `dispose` empty.
WATCHED = "events.system.DataEngine"
SHUTDOWN = "commands.system.shutdown"
EMPTIED = ("RESETTING", "DISPOSING")


class Nautilus1Engine(Backtest):
    """Tells of an engine of NautilusTrader 1.x, and watches its runs by its message bus."""

    def __init__(self, engine: BacktestEngine) -> None:
        self.engine = engine
        self._listener: EngineRecorder | None = None
        self._sampler: Sampler | None = None
        self._samples: Samples | None = None
        self._seen: early_stops.StopSignals | None = None

    def follow(self, listener: EngineRecorder) -> bool:
        """Have a listener hear of the engine's runs; False if another one does already."""
        engine_methods.wrap_methods()
        if not listeners.follow(listener):
            return False
        self._listener = listener
        self._seen = early_stops.StopSignals()
        early_stops.note_account_errors()
        self._sampler = sampler_of(self.engine)
        bus = self.engine.kernel.msgbus
        listen(bus, WATCHED, self._on_state, FIRST)
        listen(bus, SHUTDOWN, self._on_shutdown, FIRST)
        return True

    def leave(self, listener: EngineRecorder) -> None:
        """Have a listener hear no more, and let go of it, which holds the engine by this."""
        self._listener = None
        listeners.leave(listener)
        bus = self.engine.kernel.msgbus
        stop_listening(bus, WATCHED, self._on_state)
        stop_listening(bus, SHUTDOWN, self._on_shutdown)

    def begin(self) -> None:
        """Start to watch a run that begins."""
        self._seen = early_stops.StopSignals()
        early_stops.watch()
        if self._sampler is not None:
            self._sampler.begin(self.engine)

    def stop_watching(self) -> None:
        """Take what was seen of a run that has ended."""
        self._samples = None if self._sampler is None else self._sampler.end()

    def _on_state(self, event: ComponentStateChanged) -> None:
        with guarded("follow the run"):
            state, listener = event.state.name, self._listener
            if listener is None:
                return
            if state == "RUNNING":
                listener.began()
            elif state == "STOPPING" and self._seen is not None:
                self._seen.account_error = early_stops.account_error()
                self._seen.is_flagged = early_stops.is_flagged()
            elif state in EMPTIED:
                listener.ended()

    def _on_shutdown(self, command: ShutdownSystem) -> None:
        """Note a command that stops a run; one that comes while it ends stops nothing."""
        with guarded("follow the run"):
            is_ours = command.trader_id == self.engine.trader_id
            if self._seen is not None and self.engine.trader.is_running and is_ours:
                self._seen.shutdown = command

    def strategies(self) -> Strategies:
        """Return the strategies that the engine has now."""
        found = self.engine.trader.strategies()
        kinds = [type(strategy) for strategy in found]
        return Strategies(
            names=[kind.__name__ for kind in kinds],
            ids=frozenset(str(strategy.id) for strategy in found),
            parameters=components.parameters_of(found),
            is_read=any(map(components.argument_names, kinds)),
            defaults=components.defaults_of(found),
        )

    def classes(self) -> list[type]:
        """Return the classes of all that the engine was given and whose code decides."""
        found = components.components_of(self.engine)
        models = [kind for exchange in exchanges(self.engine) for kind in model_classes(exchange)]
        return [*(type(c) for c in found), *(type(c.config) for c in found), *models]

    def market_data(self, *, is_known: bool) -> MarketData:
        """Return the data that the engine holds; `is_known` spares its digest."""
        names, is_all = internals.stream_names(self.engine), internals.holds_all(self.engine)
        return MarketData.of(self.engine.data, names, is_all=is_all, is_known=is_known)

    def portion(self) -> Iterable[Any]:
        """Return the data that the engine holds now, of a stream the newest portion."""
        data: list[Any] = self.engine.data
        return data

    def saw_all(self, data: MarketData) -> bool:
        """Tell whether the engine has replayed nothing besides the data that was seen."""
        is_all = data.is_all and internals.holds_all(self.engine)
        return is_all and bool(self.engine.iteration <= data.digest.count)

    def snapshot(self, data: MarketData) -> Json:
        """Describe the engine as a `BacktestRunConfig` would, as far as it can be known."""
        return engine_snapshot(self.engine, data)

    def configuration(
        self, described: Json, given: Mapping[str, Any] | None, code: Code
    ) -> Configuration:
        """Digest what configures the engine."""
        return configuration_of(self.engine, described, given, code)

    def capital(self) -> tuple[Decimal | None, str | None]:
        """Return the starting capital, if it can be known yet, and its currency."""
        valuation = Valuation(self.engine)
        return StartingCapital(valuation).amount, valuation.currency

    def asked(self) -> list[datetime | None]:
        """Return from when to when the engine was to run, and not only when it had data."""
        times = (self.engine.backtest_start, self.engine.backtest_end)
        return [None if time is None else time.to_pydatetime(warn=False) for time in times]

    def started_at(self) -> datetime | None:
        """Return when the run began."""
        started = self.engine.run_started
        return None if started is None else started.to_pydatetime(warn=False)

    def duration(self) -> float | None:
        """Return how long the run took, in seconds."""
        started, finished = self.engine.run_started, self.engine.run_finished
        if started is None or finished is None or finished < started:
            return None
        return float((finished - started).total_seconds())

    def dates(self, data: MarketData) -> tuple[datetime | None, datetime | None]:
        """Return the times of the first and the last market data that the run has seen."""
        samples = self._samples
        if samples is not None and samples.first is not None:
            return moment(samples.first), moment(samples.last or samples.first)
        start, end = self.engine.backtest_start, self.engine.backtest_end
        if not data.count or start is None or end is None:
            return None, None
        first, last = max(start.value, data.first or 0), min(end.value, data.last or 0)
        return (moment(first), moment(last)) if first <= last else (None, None)

    def outcome(self, error: BaseException | None = None, *, has_begun: bool = True) -> Outcome:
        """Return what the run came to that the engine has behind it."""
        return early_stops.outcome_of_run(self.engine, error, self._seen, has_begun=has_begun)

    def with_metrics(self, record: Record, warnings: Sequence[str]) -> Record:
        """Add to the record of a run that has ended how it went.

        Of one whose accounts were not what it asks for, no hash of what it asks for is true.
        """
        find = partial(kept_by_the_process, self.engine, record.config_snapshot)
        kept = attempt("compare the accounts", find, [])
        if kept:
            unknown = [*record.provenance.get("identity_unknown", ()), *kept]
            provenance = record.provenance | {"identity_unknown": unknown}
            record = replace(record, config_hash=None, provenance=provenance)
        return with_metrics(self.engine, record, self._samples, [*warnings, *kept])
