"""One run of an engine, from its beginning to the `Record` that is stored."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from backtest_store.capture.accounting.market import Market
from backtest_store.capture.accounting.sampler import Samples
from backtest_store.capture.accounting.valuation import Valuation
from backtest_store.capture.details import Details, Outcome
from backtest_store.capture.guard import attempt
from backtest_store.capture.identity import catalogs
from backtest_store.capture.identity import components as strategies
from backtest_store.capture.identity.json_values import clean, plain
from backtest_store.capture.identity.market_data import MarketData, market_data_of, moment
from backtest_store.capture.identity.provenance import provenance_of
from backtest_store.capture.identity.script import script_of_process
from backtest_store.capture.identity.snapshot import config_hash, engine_snapshot, node_snapshot
from backtest_store.capture.result import with_metrics
from backtest_store.models import Json, Record
from backtest_store.redaction import Redactor, environment_secrets

if TYPE_CHECKING:
    from nautilus_trader.backtest.config import BacktestRunConfig
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.trading.strategy import Strategy

IN_MEMORY = "memory"
SHA256 = re.compile("[0-9a-f]{64}")


@dataclass
class Begun:
    """A run that has begun: what is known of it, and what its end will need.

    `overhead` is what of the run's time, in seconds, went into recording its beginning.
    """

    record: Record
    data: MarketData
    redactor: Redactor
    details: Details
    clock: float
    overhead: float = 0.0


def begin(engine: BacktestEngine, details: Details, run_id: UUID) -> Begun:
    """Capture what is known before the first data: configuration, data, capital, provenance.

    The record is `interrupted`, which is what it is if nothing follows.
    """
    redactor = Redactor(environment_secrets())
    components: list[Strategy] = engine.trader.strategies()
    data = attempt("read the market data", partial(market_data_of, engine), MarketData())
    snapshot = details.config_snapshot
    if snapshot is None:
        describe = partial(engine_snapshot, engine, data)
        snapshot = attempt("describe the engine", describe, {})
    parameters = details.parameters
    if parameters is None:
        read = partial(strategies.parameters_of, components)
        parameters = attempt("read the strategies' parameters", read, {})
    capital, currency = attempt("value the accounts", partial(_capital, engine), (None, None))
    record = Record(
        run_id=run_id,
        started_at=_started_at(engine),
        strategy_name=_name(details, redactor, strategies.name_of(components)),
        instrument_ids=sorted(str(i) for i in engine.cache.instrument_ids()),
        initial_capital=capital,
        currency=currency,
        data_source=_redacted(redactor, details.data_source) or (IN_MEMORY if data.count else None),
        data_fingerprint=_redacted(redactor, details.data_fingerprint) or data.fingerprint,
        config_snapshot=_json(redactor, snapshot),
        parameters=_json(redactor, parameters),
        provenance=_provenance(details, redactor, components, engine.run_id),
        **_said(details, redactor),
    )
    return Begun(record, data, redactor, details, perf_counter())


def finish(
    engine: BacktestEngine, begun: Begun, outcome: Outcome, samples: Samples | None
) -> Record:
    """Complete the record of a run that has ended, however it has."""
    start, end = _dates(engine, begun.data, samples)
    record = replace(
        begun.record,
        duration_seconds=_duration(engine, begun),
        start_date=start,
        end_date=end,
        data_fingerprint=_fingerprint(engine, begun),
    )
    record = _ended(record, begun.details, begun.redactor, outcome)
    if outcome.status not in ("success", "stopped"):
        return record
    return with_metrics(engine, record, samples, outcome.warnings)


def failed_to_build(config: BacktestRunConfig, details: Details, outcome: Outcome) -> Record:
    """Return the record of a node's run whose engine could not be built."""
    redactor = Redactor(environment_secrets())
    configs = [] if config.engine is None else config.engine.strategies
    classes = [str(c.strategy_path).rpartition(":")[2] for c in configs]
    parameters = details.parameters
    if parameters is None:
        parameters = dict(configs[0].config) if len(configs) == 1 else {}
    record = Record(
        run_id=uuid4(),
        started_at=datetime.now(UTC),
        strategy_name=_name(details, redactor, strategies.joined(classes)),
        instrument_ids=catalogs.instrument_ids(config),
        data_source=_redacted(redactor, details.data_source),
        data_fingerprint=_redacted(redactor, details.data_fingerprint),
        config_snapshot=_json(redactor, details.config_snapshot or node_snapshot(config)),
        parameters=_json(redactor, parameters),
        provenance=_provenance(details, redactor),
        **_said(details, redactor),
    )
    return _ended(record, details, redactor, outcome)


def _said(details: Details, redactor: Redactor) -> dict[str, Any]:
    """Return what the caller alone can say of a run; it is `interrupted` until its end is known."""
    return {
        "status": "interrupted",
        "strategy_type": redactor.text(clean(str(details.strategy_type or "unclassified"))),
        "reproduced_from": details.reproduced_from,
        "tags": [redactor.text(clean(str(tag))) for tag in details.tags or ()],
        "note": _redacted(redactor, details.note),
    }


def _ended(record: Record, details: Details, redactor: Redactor, outcome: Outcome) -> Record:
    return replace(
        record,
        status=outcome.status,
        config_hash=_given_hash(details) or _hash(record),
        error_type=outcome.error_type,
        error_message=_redacted(redactor, outcome.error_message),
        error_traceback=_redacted(redactor, outcome.error_traceback),
    )


def _given_hash(details: Details) -> str | None:
    """Return the caller's hash; one of another kind than the store takes is hashed itself."""
    given = details.config_hash
    if not given or SHA256.fullmatch(given):
        return given
    return hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()


def _hash(record: Record) -> str:
    return config_hash(
        record.config_snapshot,
        instrument_ids=record.instrument_ids,
        start_date=record.start_date,
        end_date=record.end_date,
        data_fingerprint=record.data_fingerprint,
    )


def _name(details: Details, redactor: Redactor, otherwise: str) -> str:
    return redactor.text(clean(str(details.strategy_name or otherwise)))


def _json(redactor: Redactor, value: object) -> Json:
    redacted = redactor.redact(plain(value))
    return redacted if isinstance(redacted, dict) else {}


def _redacted(redactor: Redactor, text: object) -> str | None:
    return None if text is None else redactor.text(clean(str(text)))


def _provenance(
    details: Details,
    redactor: Redactor,
    components: Sequence[object] = (),
    engine_run_id: object = None,
) -> Json:
    classes = [type(component) for component in components]
    tell = partial(provenance_of, classes, command_line=details.command_line)
    origin: Json = attempt("tell where the run comes from", tell, {})
    script = script_of_process() if details.command_line is None else None
    name = None if engine_run_id is None else str(engine_run_id)
    return _json(redactor, origin | {"script": script, "engine_run_id": name})


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
        return max(0.0, float((finished - started).total_seconds()) - begun.overhead)
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
