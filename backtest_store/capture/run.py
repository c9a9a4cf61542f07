"""One run of an engine, from its beginning to the `Record` that is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from backtest_store.capture import catalogs, strategies
from backtest_store.capture.details import Details, Outcome
from backtest_store.capture.equity import Course, course_of
from backtest_store.capture.json_values import clean, plain
from backtest_store.capture.market import Market
from backtest_store.capture.market_data import MarketData, market_data_of, moment
from backtest_store.capture.metrics import measure
from backtest_store.capture.provenance import provenance_of
from backtest_store.capture.redaction import Redactor, environment_secrets
from backtest_store.capture.sampler import Samples
from backtest_store.capture.snapshot import config_hash, engine_snapshot, node_snapshot
from backtest_store.capture.statistics import engine_statistics
from backtest_store.capture.trades import closed_positions, count_closed, trades_of
from backtest_store.capture.valuation import Valuation
from backtest_store.models import Json, Metrics, Record, Run

if TYPE_CHECKING:
    from nautilus_trader.backtest.config import BacktestRunConfig
    from nautilus_trader.backtest.engine import BacktestEngine

IN_MEMORY = "memory"
EARLY_END = "the engine ended the run early: an account could not bear it any more"


@dataclass(frozen=True)
class Begun:
    """A run that has begun: what is known of it, and what its end will need."""

    record: Record
    data: MarketData
    redactor: Redactor
    details: Details
    clock: float


def begin(engine: BacktestEngine, details: Details, run_id: UUID) -> Begun:
    """Capture what is known before the first data: configuration, data, capital, provenance.

    The record is `interrupted`, which is what it is if nothing follows.
    """
    data = market_data_of(engine)
    components = engine.trader.strategies()
    redactor = Redactor(environment_secrets())
    snapshot = _snapshot(engine, details, data, redactor)
    capital, currency = _capital(engine)
    record = Record(
        run_id=run_id,
        status="interrupted",
        started_at=_started_at(engine),
        strategy_name=clean(details.strategy_name or strategies.name_of(components)),
        strategy_type=details.strategy_type or "unclassified",
        instrument_ids=sorted(str(i) for i in engine.cache.instrument_ids()),
        initial_capital=capital,
        currency=currency,
        data_source=_redacted(redactor, details.data_source) or (IN_MEMORY if data.count else None),
        data_fingerprint=details.data_fingerprint or data.fingerprint,
        parameters=_json(redactor, details.parameters or strategies.parameters_of(components)),
        config_snapshot=snapshot,
        provenance=_provenance(engine, components, details, redactor),
        reproduced_from=details.reproduced_from,
        tags=[clean(tag) for tag in details.tags],
        note=None if details.note is None else clean(details.note),
    )
    return Begun(record, data, redactor, details, perf_counter())


def finish(
    engine: BacktestEngine, begun: Begun, outcome: Outcome, samples: Samples | None
) -> Record:
    """Complete the record of a run that has ended, however it has."""
    start, end = _dates(engine, begun.data, samples)
    record = replace(
        begun.record,
        status=outcome.status,
        duration_seconds=_duration(engine, begun),
        start_date=start,
        end_date=end,
        data_fingerprint=_fingerprint(engine, begun),
        error_type=outcome.error_type,
        error_message=_redacted(begun.redactor, outcome.error_message),
        error_traceback=_redacted(begun.redactor, outcome.error_traceback),
    )
    record = replace(record, config_hash=_hash(record, begun.details))
    if outcome.status != "success":
        return record
    return _with_metrics(engine, record, samples, outcome.warnings)


def failed_to_build(config: BacktestRunConfig, details: Details, outcome: Outcome) -> Record:
    """Return the record of a node's run whose engine could not be built."""
    redactor = Redactor(environment_secrets())
    configs = [] if config.engine is None else config.engine.strategies
    classes = [str(c.strategy_path).rpartition(":")[2] for c in configs]
    parameters = dict(configs[0].config) if len(configs) == 1 else {}
    record = Record(
        run_id=uuid4(),
        status=outcome.status,
        started_at=datetime.now(UTC),
        strategy_name=clean(details.strategy_name or strategies.joined(classes)),
        strategy_type=details.strategy_type or "unclassified",
        instrument_ids=catalogs.instrument_ids(config),
        data_source=_redacted(redactor, details.data_source),
        data_fingerprint=details.data_fingerprint,
        parameters=_json(redactor, details.parameters or parameters),
        config_snapshot=_json(redactor, details.config_snapshot or node_snapshot(config)),
        provenance=_json(redactor, provenance_of((), command_line=details.command_line)),
        error_type=outcome.error_type,
        error_message=_redacted(redactor, outcome.error_message),
        error_traceback=_redacted(redactor, outcome.error_traceback),
        reproduced_from=details.reproduced_from,
        tags=[clean(tag) for tag in details.tags],
        note=None if details.note is None else clean(details.note),
    )
    return replace(record, config_hash=_hash(record, details))


def _with_metrics(
    engine: BacktestEngine, record: Record, samples: Samples | None, warnings: Sequence[str]
) -> Record:
    valuation = Valuation(engine)
    course = course_of(engine, valuation, samples)
    use_events = samples is not None and len(samples.trades) >= count_closed(engine.cache)
    closed: Iterable[object] = (
        samples.trades if samples is not None and use_events else closed_positions(engine.cache)
    )
    trades = trades_of(valuation, closed)
    metrics = measure(
        equity=course.equity,
        final_balance=valuation.final_balance(),
        trade_profits=trades.profits,
        total_fees=valuation.fees(),
        engine_stats=engine_statistics(engine),
        warnings=[*warnings, *_early_end(), *course.warnings, *trades.warnings],
    )
    return _merged(record, metrics, course)


def _merged(record: Record, metrics: Metrics, course: Course) -> Record:
    capital = course.equity.starting_capital
    run = {name: getattr(record, name) for name in Run.__dataclass_fields__}
    if record.initial_capital is None and capital.is_finite():
        run["initial_capital"] = capital
    return Record(**run, **asdict(metrics))


def _snapshot(
    engine: BacktestEngine, details: Details, data: MarketData, redactor: Redactor
) -> Json:
    snapshot = details.config_snapshot
    return _json(redactor, engine_snapshot(engine, data) if snapshot is None else snapshot)


def _json(redactor: Redactor, value: object) -> Json:
    redacted = redactor.redact(plain(value))
    return redacted if isinstance(redacted, dict) else {}


def _provenance(
    engine: BacktestEngine, components: Sequence[object], details: Details, redactor: Redactor
) -> Json:
    origin = provenance_of((type(c) for c in components), command_line=details.command_line)
    run_id = engine.run_id
    return _json(redactor, origin | {"engine_run_id": None if run_id is None else str(run_id)})


def _capital(engine: BacktestEngine) -> tuple[Decimal | None, str | None]:
    valuation = Valuation(engine)
    capital = valuation.starting_capital(Market(engine.cache))
    return (capital if valuation.is_convertible_at_once else None), valuation.currency


def _started_at(engine: BacktestEngine) -> datetime:
    started = engine.run_started
    return datetime.now(UTC) if started is None else started.to_pydatetime(warn=False)


def _duration(engine: BacktestEngine, begun: Begun) -> float:
    started, finished = engine.run_started, engine.run_finished
    if started is not None and finished is not None and finished >= started:
        return float((finished - started).total_seconds())
    return perf_counter() - begun.clock


def _dates(
    engine: BacktestEngine, data: MarketData, samples: Samples | None
) -> tuple[datetime | None, datetime | None]:
    """Return the times of the first and the last market data that the run has seen."""
    if samples is not None and samples.first is not None:
        return moment(samples.first), moment(samples.last or samples.first)
    start, end = engine.backtest_start, engine.backtest_end
    if not data.count or start is None or end is None:
        return None, None
    first, last = max(start.value, data.first or 0), min(end.value, data.last or 0)
    return (moment(first), moment(last)) if first <= last else (None, None)


def _fingerprint(engine: BacktestEngine, begun: Begun) -> str | None:
    """Return the data's fingerprint, unless the run has read data that nobody fingerprinted."""
    if begun.details.data_fingerprint is not None or engine.iteration <= begun.data.count:
        return begun.record.data_fingerprint
    return None


def _hash(record: Record, details: Details) -> str:
    return details.config_hash or config_hash(
        record.config_snapshot,
        instrument_ids=record.instrument_ids,
        start_date=record.start_date,
        end_date=record.end_date,
        data_fingerprint=record.data_fingerprint,
    )


def _redacted(redactor: Redactor, text: str | None) -> str | None:
    return None if text is None else redactor.text(text)


def _early_end() -> list[str]:
    from nautilus_trader.common.component import is_backtest_force_stop

    return [EARLY_END] if is_backtest_force_stop() else []
