"""An engine of NautilusTrader 2.0, as the rest of capture asks for it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from backtest_store.capture.accounting.days import moment
from backtest_store.capture.accounting.valuation import currency_of, total
from backtest_store.capture.end_status import UNENDED, Outcome, outcome_of, stopped
from backtest_store.capture.engines import listeners
from backtest_store.capture.engines.interface import Backtest, Strategies
from backtest_store.capture.engines.nautilus2 import callbacks, engine_description, engine_methods
from backtest_store.capture.engines.nautilus2.accounts import Accounts
from backtest_store.capture.engines.nautilus2.engine_requests import (
    EngineRequests,
    in_order,
    requests_of,
)
from backtest_store.capture.engines.nautilus2.fill_and_fee_models import draws_unseeded, is_model
from backtest_store.capture.engines.nautilus2.prices import Prices, between, instrument_of
from backtest_store.capture.error_boundary import attempt
from backtest_store.capture.identity import components
from backtest_store.capture.identity.code.source import SYSTEM
from backtest_store.capture.identity.config_hash import (
    CHANCE,
    Configuration,
    deciding_configuration,
    unseeded,
)
from backtest_store.capture.identity.data_fingerprint import MarketData
from backtest_store.capture.identity.json_values import plain
from backtest_store.capture.run_metrics import Results, measured, refused_orders
from backtest_store.models import Json, Record

if TYPE_CHECKING:
    from backtest_store.capture.engine_recorder import EngineRecorder
    from backtest_store.capture.identity.code.code_hash import Code

UNSEEN = "which days had market data is not known: it was added before backtest_store was imported"
UNSEEDED = "a model draws random numbers, and nothing seeded it"
UNWATCHED = "whether a callback raised is not known: another tool replaced the hook that tells"


class Nautilus2Engine(Backtest):
    """Tells of an engine of NautilusTrader 2.0, from what it was asked and what it shows."""

    def __init__(self, engine: Any, asked: EngineRequests | None = None) -> None:
        self.engine = engine
        self._asked = requests_of(engine) if asked is None else asked
        self._key = str(engine.instance_id)
        self._listener: EngineRecorder | None = None
        self._began: int | None = None

    def follow(self, listener: EngineRecorder) -> bool:
        """Have a listener hear of the engine's runs; False if another one does already."""
        engine_methods.watch_class(type(self.engine))
        if not listeners.follow(listener):
            return False
        self._listener = listener
        return True

    def leave(self, listener: EngineRecorder) -> None:
        """Have a listener hear no more, and let go of it, which holds the engine by this."""
        listeners.leave(listener)
        self._listener = None

    def begin(self) -> None:
        """Start to watch a run that begins."""
        self._began = time.time_ns()
        self.__dict__.pop("_prices", None)

    def stop_watching(self) -> None:
        """Take what was seen of a run that has ended: nothing, the engine has it."""

    @property
    def key(self) -> tuple[str, str] | None:
        """Return what names the engine and the run that it is at; None if it is at none."""
        if self._asked.runs:
            return self._key, str(self._asked.runs)
        return super().key

    def strategies(self) -> Strategies:
        """Return the strategies that the engine has now, as far as they were seen."""
        found = [one for one in self._asked.components if one.kind == "strategies"]
        kinds = [type(one.instance) for one in found if one.instance is not None]
        return Strategies(
            names=[engine_description.name_of(one) for one in found],
            ids=frozenset(engine_description.ids_of(found)),
            parameters=engine_description.parameters_of(found),
            is_read=any(map(components.argument_names, kinds)),
        )

    def classes(self) -> list[type]:
        """Return the classes of all that the engine was given and whose code decides."""
        found = [one.instance for one in self._asked.components if one.instance is not None]
        models = [v for venue in self._asked.venues for v in venue.values() if is_model(v)]
        return [*map(type, found), *(type(one.config) for one in found), *map(type, models)]

    def market_data(self, *, is_known: bool) -> MarketData:
        """Return the data that the engine holds; `is_known` spares its digest."""
        names = {_stream(portion[0]) for portion in self._asked.held if portion}
        catalogs = getattr(self._asked.config, "catalogs", None)
        is_all = self._asked.has_all_data and not catalogs
        return MarketData.of(self._asked.data(), names, is_all=is_all, is_known=is_known)

    def portion(self) -> Iterable[Any]:
        """Return the data that the engine holds now, of a stream the newest portion."""
        return in_order(self._asked.fresh)

    def saw_all(self, data: MarketData) -> bool:
        """Tell whether the engine has replayed nothing besides the data that was seen."""
        return data.is_all and bool(self.engine.iteration <= data.digest.count)

    def snapshot(self, data: MarketData) -> Json:
        """Describe the engine as a `BacktestRunConfig` would, as far as it can be known."""
        found = sorted(self.engine.cache.instruments(), key=lambda one: str(one.id))
        return engine_description.snapshot_of(self._asked, data, found)

    def configuration(
        self, described: Json, given: Mapping[str, Any] | None, code: Code
    ) -> Configuration:
        """Digest what configures the engine."""
        found = [one.instance for one in self._asked.components if one.instance is not None]
        chance = {n: state for n, state in self._asked.chance.items() if n in code.draws}
        facts = {
            "engine": deciding_configuration(described),
            "given": deciding_configuration(plain(given)),
            "attributes": list(self._asked.attributes),
            "chance": chance,
        }
        unknown = [*components.unknown_arguments(found)]
        unknown += [] if self._asked.is_whole else [engine_description.PARTIAL]
        unknown += [CHANCE] if code.draws - {SYSTEM} and not chance else []
        unknown += unseeded(code)
        models = [m for venue in self._asked.venues for m in venue.values() if is_model(m)]
        unknown += [f"{UNSEEDED}: {type(m).__name__}" for m in models if draws_unseeded(m)]
        return Configuration.of(facts, unknown, chance)

    def capital(self) -> tuple[Decimal | None, str | None]:
        """Return the starting capital, if it can be known yet, and its currency."""
        if self.engine.run_id is not None and self._listener is None:
            accounts = self._accounts()
            capital = accounts.starting_capital()
            return capital if capital.is_finite() else None, accounts.currency
        venues = self._asked.venues
        held = total(venue["starting_balances"] for venue in venues)
        bases = [venue.get("base_currency") for venue in venues]
        currency = currency_of(bases, held, self.engine.cache.instruments())
        return held[currency] if currency and set(held) == {currency} else None, currency

    def asked(self) -> list[datetime | None]:
        """Return from when to when the engine was to run, and not only when it had data."""
        return [moment(self.engine.backtest_start), moment(self.engine.backtest_end)]

    def started_at(self) -> datetime | None:
        """Return when the run began."""
        return None if self._listener is not None else moment(self.engine.run_started)

    def duration(self) -> float | None:
        """Return how long the run took, in seconds."""
        started, finished = self.engine.run_started, self.engine.run_finished
        if started is None or finished is None or finished < max(started, self._began or 0):
            return None
        return float(finished - started) / 1e9

    @cached_property
    def _prices(self) -> Prices:
        start, end = self.engine.backtest_start, self.engine.backtest_end
        data = self._asked.data() if self._asked.has_all_data else self._cached()
        books = {str(venue.get("venue")): venue.get("book_type") for venue in self._asked.venues}
        return Prices(between(data, start, end), self.engine.cache.instruments(), books)

    def _cached(self) -> list[Any]:
        """Return the data of a run as its cache has it, if that is all that was replayed."""
        cache = self.engine.cache
        ids, package = cache.instrument_ids(), type(self.engine).__module__.rpartition(".")[0]
        external = import_module(f"{package}.model").AggregationSource.EXTERNAL
        kept = [cache.bars(bar_type) for bar_type in cache.bar_types(external)]
        kept += [cache.quotes(one) for one in ids] + [cache.trades(one) for one in ids]
        data = in_order([part for part in kept if part])
        return data if len(data) == self.engine.iteration else []

    def dates(self, data: MarketData) -> tuple[datetime | None, datetime | None]:
        """Return the times of the first and the last market data that the run has seen."""
        first, last = self._prices.first, self._prices.last
        if first is None or last is None or not data.count:
            return None, None
        return moment(first.ts_init), moment(last.ts_init)

    def outcome(self, error: BaseException | None = None, *, has_begun: bool = True) -> Outcome:
        """Return what the run came to that the engine has behind it."""
        raised = callbacks.error_of(self._key) if self._asked.runs else None
        if raised is not None and (error is None or isinstance(error, Exception)):
            return raised  # what the engine raises itself tells no more than that this kept it
        if error is not None:
            return outcome_of(error)
        if self._asked.is_under_way or not (has_begun or self.engine.run_finished):
            return UNENDED
        expected = self._steps(between(self._asked.data(), self._asked.start, self._asked.end))
        return _early_stop(self.engine, self._asked, expected) or Outcome(
            warnings=() if callbacks.can_watch() else (UNWATCHED,),
        )

    def _steps(self, data: Sequence[Any]) -> int:
        """Return how many iterations the engine makes of data."""
        return len(data)

    def _accounts(self) -> Accounts:
        return Accounts(self.engine, self._prices)

    def with_metrics(self, record: Record, warnings: Sequence[str]) -> Record:
        """Add to the record of a run that has ended how it went."""
        accounts, prices = self._accounts(), self._prices
        if not self._asked.has_all_data and not prices.days:
            warnings = [*warnings, UNSEEN]
        results = Results(
            valuation=accounts,
            curve=attempt("measure equity", accounts.curve, None),
            ledger=attempt("read the trades", accounts.ledger, None),
            unrealised=attempt("value open positions", accounts.unrealised, None),
            final_balance=attempt("read the balances", accounts.final_balance, None),
            opening_price=prices.opening,
            closing_price=prices.closing,
            engine_stats=attempt("read statistics", self._statistics, {}),
        )
        return measured(record, results, [*warnings, *refused_orders(self.engine.cache)])

    def _statistics(self) -> Json:
        result = self.engine.get_result()
        stats = {"pnls": result.stats_pnls, "returns": result.stats_returns}
        found = plain(stats | {"general": result.stats_general})
        return found if isinstance(found, dict) else {}


def _early_stop(engine: Any, asked: EngineRequests, expected: int) -> Outcome | None:
    """Return what stopped a run that was to make so many iterations; None if it made them."""
    iterations = engine.iteration
    is_short = not asked.has_all_data or iterations < expected
    if not is_short or (asked.shutdown is None and not asked.has_all_data):
        return None
    name, reason = asked.shutdown or ("the engine", None)
    text = f"Received ShutdownSystem from {name}" + ("" if reason is None else f": {reason}")
    if asked.shutdown is None:
        text = f"the engine ended after {iterations:,} of {expected:,} elements of data"
    return stopped("ShutdownSystem" if asked.shutdown else "Stopped", engine.backtest_end, text)


def _stream(element: Any) -> str:
    bar_type = getattr(element, "bar_type", None)
    if bar_type is not None:
        return str(bar_type)
    return f"{instrument_of(element)}.{type(element).__name__}"
