"""What the rest of capture asks of an engine, whichever NautilusTrader it is of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from backtest_store.models import Json, Record

if TYPE_CHECKING:
    from backtest_store.capture.end_status import Outcome
    from backtest_store.capture.engine_recorder import EngineRecorder
    from backtest_store.capture.identity.code.code_hash import Code
    from backtest_store.capture.identity.config_hash import Configuration
    from backtest_store.capture.identity.data_fingerprint import MarketData


@dataclass(frozen=True)
class Strategies:
    """The strategies of an engine.

    `is_read` says that parameters were read from what the instances hold, as no configuration has
    them; `defaults` names those that are as the configuration's class has them.
    """

    names: Sequence[str] = ()
    ids: frozenset[str] = frozenset()
    parameters: Json = field(default_factory=dict)
    is_read: bool = False
    defaults: Sequence[str] = ()


class Backtest(Protocol):
    """An engine: what it was asked, what it did, and how it ended."""

    engine: Any

    def follow(self, listener: EngineRecorder) -> bool:
        """Have a listener hear of the engine's runs; False if another one does already."""

    def leave(self, listener: EngineRecorder) -> None:
        """Have a listener hear no more."""

    def begin(self) -> None:
        """Start to watch a run that begins."""

    def stop_watching(self) -> None:
        """Take what was seen of a run that has ended."""

    @property
    def key(self) -> tuple[str, str] | None:
        """Return what names the engine and the run that it is at; None if it is at none."""
        run_id = self.engine_run_id
        return None if run_id is None else (str(self.engine.instance_id), run_id)

    @property
    def engine_run_id(self) -> str | None:
        """Return the engine's own id of its run."""
        run_id = self.engine.run_id
        return None if run_id is None else str(run_id)

    def strategies(self) -> Strategies:
        """Return the strategies that the engine has now."""

    def instrument_ids(self) -> list[str]:
        """List the instruments that the engine knows now."""
        return sorted(str(instrument_id) for instrument_id in self.engine.cache.instrument_ids())

    def classes(self) -> list[type]:
        """Return the classes of all that the engine was given and whose code decides."""

    def market_data(self, *, is_known: bool) -> MarketData:
        """Return the data that the engine holds; `is_known` spares its digest."""

    def portion(self) -> Iterable[Any]:
        """Return the data that the engine holds now, of a stream the newest portion."""

    def saw_all(self, data: MarketData) -> bool:
        """Tell whether the engine has replayed nothing besides the data that was seen."""

    def snapshot(self, data: MarketData) -> Json:
        """Describe the engine as a `BacktestRunConfig` would, as far as it can be known."""

    def configuration(
        self, described: Json, given: Mapping[str, Any] | None, code: Code
    ) -> Configuration:
        """Digest what configures the engine."""

    def capital(self) -> tuple[Decimal | None, str | None]:
        """Return the starting capital, if it can be known yet, and its currency."""

    def asked(self) -> list[datetime | None]:
        """Return from when to when the engine was to run, and not only when it had data."""

    def started_at(self) -> datetime | None:
        """Return when the run began."""

    def duration(self) -> float | None:
        """Return how long the run took, in seconds."""

    def dates(self, data: MarketData) -> tuple[datetime | None, datetime | None]:
        """Return the times of the first and the last market data that the run has seen."""

    def outcome(self, error: BaseException | None = None, *, has_begun: bool = True) -> Outcome:
        """Return what the run came to that the engine has behind it."""

    def with_metrics(self, record: Record, warnings: Sequence[str]) -> Record:
        """Add to the record of a run that has ended how it went."""


def backtest_of(engine: Any) -> Backtest:
    """Return what tells of an engine."""
    if is_v2(type(engine)):
        from backtest_store.capture.engines.nautilus2.backtest import Nautilus2Engine

        return Nautilus2Engine(engine)
    from backtest_store.capture.engines.nautilus1.backtest import Nautilus1Engine

    return Nautilus1Engine(engine)


def is_v2(engine_class: type) -> bool:
    """Tell whether a class is of the engine in Rust, and not of the one in Cython, or its node."""
    first = {"nautilus_trader.backtest.engine", "nautilus_trader.backtest.node"}
    return first.isdisjoint(kind.__module__ for kind in engine_class.__mro__)


def is_a(thing: Any, name: str) -> bool:
    """Tell whether a thing is of one of NautilusTrader's classes of a name, or inherits it."""
    kinds = [kind for kind in type(thing).__mro__ if kind.__name__ == name]
    return any(kind.__module__.startswith("nautilus_trader.") for kind in kinds)
