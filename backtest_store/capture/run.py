"""One run of an engine, from its beginning to the `Record` that is stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from backtest_store.capture.accounting.capital import StartingCapital
from backtest_store.capture.accounting.sampler import Samples
from backtest_store.capture.accounting.valuation import Valuation
from backtest_store.capture.details import Details, Outcome
from backtest_store.capture.guard import attempt
from backtest_store.capture.identity import catalogs
from backtest_store.capture.identity import components as strategies
from backtest_store.capture.identity.code import Code, code_of
from backtest_store.capture.identity.collector import (
    Collector,
    Identity,
    given_hash,
    instrument_ids,
)
from backtest_store.capture.identity.git import GitQuery
from backtest_store.capture.identity.json_values import clean, plain
from backtest_store.capture.identity.market_data import MarketData, moment
from backtest_store.capture.identity.provenance import provenance_of
from backtest_store.capture.identity.script import script_of_process
from backtest_store.capture.identity.snapshot import node_snapshot
from backtest_store.capture.result import with_metrics
from backtest_store.models import Json, Record
from backtest_store.redaction import Redactor, environment_secrets

if TYPE_CHECKING:
    from nautilus_trader.backtest.config import BacktestRunConfig
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.trading.strategy import Strategy

IN_MEMORY = "memory"


@dataclass
class Begun:
    """A run that has begun: what is known of it, and what its end will need.

    `overhead` is what of the run's time, in seconds, went into recording its beginning.
    """

    record: Record
    identity: Collector
    redactor: Redactor
    details: Details
    strategies: frozenset[str]
    clock: float
    overhead: float = 0.0

    @property
    def data(self) -> MarketData:
        """Return the market data that the engine held when the run began."""
        return self.identity.data


def begin(engine: BacktestEngine, details: Details, run_id: UUID) -> Begun:
    """Capture what is known before the first data: configuration, data, capital, provenance.

    The record is `interrupted`, which is what it is if nothing follows.
    """
    redactor = Redactor(environment_secrets())
    collector = Collector(engine, details)
    data = collector.data
    capital, currency = attempt("value the accounts", partial(_capital, engine), (None, None))
    record = Record(
        run_id=run_id,
        started_at=_started_at(engine),
        initial_capital=capital,
        currency=currency,
        data_source=_redacted(redactor, details.data_source) or (IN_MEMORY if data.count else None),
        data_fingerprint=_redacted(redactor, details.data_fingerprint) or data.fingerprint,
        config_snapshot=_json(redactor, collector.snapshot),
        provenance=_provenance(details, redactor, collector.code, engine.run_id)
        | _read_from(engine, details),
        **_components(engine, details, redactor),
        **_said(details, redactor),
    )
    return Begun(record, collector, redactor, details, _strategy_ids(engine), perf_counter())


def finish(
    engine: BacktestEngine, begun: Begun, outcome: Outcome, samples: Samples | None
) -> Record:
    """Complete the record of a run that has ended, however it has."""
    start, end = _dates(engine, begun.data, samples)
    found = partial(begun.identity.identity, engine, [start, end])
    identity = attempt("tell the run's identity", found, Identity())
    record = replace(
        begun.record,
        duration_seconds=_duration(engine, begun),
        start_date=start,
        end_date=end,
        data_fingerprint=_redacted(begun.redactor, identity.data_fingerprint),
        config_hash=identity.config_hash,
        code_hash=identity.code_hash,
        provenance=begun.record.provenance | _told_at_end(identity, begun.redactor),
        **_added(engine, begun),
    )
    record = _ended(record, begun.redactor, outcome)
    if outcome.status not in ("success", "stopped"):
        return record
    return with_metrics(engine, record, samples, outcome.warnings)


def _components(engine: BacktestEngine, details: Details, redactor: Redactor) -> dict[str, Any]:
    """Return what strategies an engine has, and on what instruments."""
    components: list[Strategy] = engine.trader.strategies()
    parameters = details.parameters
    if parameters is None:
        read = partial(strategies.parameters_of, components)
        parameters = attempt("read the strategies' parameters", read, {})
    return {
        "strategy_name": _name(details, redactor, strategies.name_of(components)),
        "instrument_ids": instrument_ids(engine),
        "parameters": _json(redactor, parameters),
    }


def _read_from(engine: BacktestEngine, details: Details) -> Json:
    """Say that parameters were not given by a configuration, where they were not."""
    kinds = map(type, engine.trader.strategies())
    is_read = details.parameters is None and any(map(strategies.argument_names, kinds))
    return {"parameters_read_from": "attributes of the instance"} if is_read else {}


def _added(engine: BacktestEngine, begun: Begun) -> dict[str, Any]:
    """Return instruments that came by request, and strategies that a controller added."""
    read = partial(_components, engine, begun.details, begun.redactor)
    at_end: dict[str, Any] = attempt("read what was added", read, {})
    instruments = {*begun.record.instrument_ids, *at_end.get("instrument_ids", ())}
    has_more = begun.strategies < _strategy_ids(engine)
    return (at_end if has_more else {}) | {"instrument_ids": sorted(instruments)}


def _strategy_ids(engine: BacktestEngine) -> frozenset[str]:
    return frozenset(str(strategy_id) for strategy_id in engine.trader.strategy_ids())


def _told_at_end(identity: Identity, redactor: Redactor) -> Json:
    """Return the modules, some of which the run imported as it went, and what is not known."""
    sources = _json(redactor, {"source_sha256": identity.sources}) if identity.sources else {}
    return sources | ({"identity_unknown": [*identity.unknown]} if identity.unknown else {})


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
        config_hash=given_hash(details),
        config_snapshot=_json(redactor, details.config_snapshot or node_snapshot(config)),
        parameters=_json(redactor, parameters),
        provenance=_provenance(details, redactor, code_of([])),
        **_said(details, redactor),
    )
    return _ended(record, redactor, outcome)


def _said(details: Details, redactor: Redactor) -> dict[str, Any]:
    """Return what the caller alone can say of a run; it is `interrupted` until its end is known."""
    return {
        "status": "interrupted",
        "strategy_type": redactor.text(clean(str(details.strategy_type or "unclassified"))),
        "reproduced_from": details.reproduced_from,
        "batch_id": details.batch_id,
        "batch_name": _redacted(redactor, details.batch_name),
        "tags": [redactor.text(clean(str(tag))) for tag in details.tags or ()],
        "note": _redacted(redactor, details.note),
    }


def _ended(record: Record, redactor: Redactor, outcome: Outcome) -> Record:
    return replace(
        record,
        status=outcome.status,
        error_type=outcome.error_type,
        error_message=_redacted(redactor, outcome.error_message),
        error_traceback=_redacted(redactor, outcome.error_traceback),
    )


def _name(details: Details, redactor: Redactor, otherwise: str) -> str:
    return redactor.text(clean(str(details.strategy_name or otherwise)))


def _json(redactor: Redactor, value: object) -> Json:
    redacted = redactor.redact(plain(value))
    return redacted if isinstance(redacted, dict) else {}


def _redacted(redactor: Redactor, text: object) -> str | None:
    return None if text is None else redactor.text(clean(str(text)))


def _provenance(
    details: Details, redactor: Redactor, code: Code, engine_run_id: object = None
) -> Json:
    tell = partial(provenance_of, code, GitQuery(code.files), command_line=details.command_line)
    origin: Json = attempt("tell where the run comes from", tell, {})
    script = script_of_process() if details.command_line is None else None
    name = None if engine_run_id is None else str(engine_run_id)
    return _json(redactor, origin | {"script": script, "engine_run_id": name})


def _capital(engine: BacktestEngine) -> tuple[Decimal | None, str | None]:
    valuation = Valuation(engine)
    return StartingCapital(valuation).amount, valuation.currency


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
