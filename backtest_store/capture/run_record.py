"""One run of an engine, from its beginning to the `Record` that is stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, localcontext
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from backtest_store.capture.end_status import Outcome
from backtest_store.capture.engines.interface import Backtest, Strategies
from backtest_store.capture.error_boundary import attempt
from backtest_store.capture.identity import components as strategies
from backtest_store.capture.identity.code.code_hash import Code, code_of
from backtest_store.capture.identity.config_snapshot import (
    instruments_asked_for,
    node_snapshot,
)
from backtest_store.capture.identity.git import GitQuery
from backtest_store.capture.identity.json_values import clean, plain
from backtest_store.capture.identity.provenance import provenance_of, script_of_process
from backtest_store.capture.identity.run_identity import Collector, Identity, given_hash
from backtest_store.capture.run_details import RunDetails
from backtest_store.models import Json, Record
from backtest_store.redaction import Redactor, environment_secrets

if TYPE_CHECKING:
    from nautilus_trader.backtest.config import BacktestRunConfig

IN_MEMORY = "memory"
# What NautilusTrader's positions are computed in, unless a script has set another of its own.
AS_PYTHON_STARTS = Context(prec=28, rounding=ROUND_HALF_EVEN)


@dataclass
class StartedRun:
    """A run that has begun: what is known of it, and what its end will need.

    `overhead` is what of the run's time, in seconds, went into recording its beginning.
    """

    record: Record
    identity: Collector
    redactor: Redactor
    details: RunDetails
    strategies: frozenset[str]
    clock: float
    overhead: float = 0.0


def begin(backtest: Backtest, details: RunDetails, run_id: UUID) -> StartedRun:
    """Capture what is known before the first data: configuration, data, capital, provenance.

    The record is `interrupted`, which is what it is if nothing follows.
    """
    redactor = Redactor(environment_secrets())
    collector = Collector(backtest, details)
    data = collector.data
    capital, currency = attempt("value the accounts", backtest.capital, (None, None))
    found = attempt("read the strategies", backtest.strategies, Strategies())
    record = Record(
        run_id=run_id,
        started_at=backtest.started_at() or datetime.now(UTC),
        initial_capital=capital,
        currency=currency,
        data_source=_redacted(redactor, details.data_source) or (IN_MEMORY if data.count else None),
        data_fingerprint=_redacted(redactor, details.data_fingerprint) or data.digest.value,
        config_snapshot=_json(redactor, collector.snapshot),
        provenance=_provenance(details, redactor, collector.code, collector.git)
        | _read_from(found, details),
        instrument_ids=backtest.instrument_ids(),
        **_described(found, details, redactor),
        **_said(details, redactor),
    )
    return StartedRun(record, collector, redactor, details, found.ids, perf_counter())


def finish(backtest: Backtest, begun: StartedRun, outcome: Outcome) -> Record:
    """Complete the record of a run that has ended, however it has."""
    start, end = backtest.dates(begun.identity.data)
    found = partial(begun.identity.identity, [start, end])
    identity = attempt("tell the run's identity", found, Identity())
    record = replace(
        begun.record,
        duration_seconds=_duration(backtest, begun),
        start_date=start,
        end_date=end,
        data_fingerprint=_redacted(begun.redactor, identity.data_fingerprint),
        config_hash=identity.config_hash,
        code_hash=identity.code_hash,
        provenance=begun.record.provenance
        | {"engine_run_id": backtest.engine_run_id}
        | _told_at_end(identity, begun.redactor),
        **_added(backtest, begun),
    )
    record = _ended(record, begun.redactor, outcome)
    if not record.has_metrics:
        return record
    with localcontext(AS_PYTHON_STARTS):
        return backtest.with_metrics(record, outcome.warnings)


def _described(found: Strategies, details: RunDetails, redactor: Redactor) -> dict[str, Any]:
    """Return what strategies an engine has."""
    parameters = found.parameters if details.parameters is None else details.parameters
    return {
        "strategy_name": _name(details, redactor, strategies.joined([*found.names])),
        "parameters": _json(redactor, parameters),
    }


def _read_from(found: Strategies, details: RunDetails) -> Json:
    """Say which parameters are defaults, and whether they were given by no configuration."""
    is_read = details.parameters is None and found.is_read
    return {
        **({"defaults": [*found.defaults]} if found.defaults else {}),
        **({"parameters_read_from": "attributes of the instance"} if is_read else {}),
    }


def _added(backtest: Backtest, begun: StartedRun) -> dict[str, Any]:
    """Return instruments that came by request, and strategies that a controller added."""
    found = attempt("read what was added", backtest.strategies, Strategies())
    has_more = begun.strategies < found.ids
    instruments = {*begun.record.instrument_ids, *backtest.instrument_ids()}
    described = _described(found, begun.details, begun.redactor) if has_more else {}
    return described | {"instrument_ids": sorted(instruments)}


def _told_at_end(identity: Identity, redactor: Redactor) -> Json:
    """Return the modules, some of which the run imported as it went, and what is not known."""
    told = {
        "source_sha256": identity.sources,
        "identity_unknown": [*identity.unknown],
        "random_state": identity.chance,
    }
    return _json(redactor, {name: value for name, value in told.items() if value})


def failed_to_build(config: BacktestRunConfig, details: RunDetails, outcome: Outcome) -> Record:
    """Return the record of a node's run whose engine could not be built."""
    redactor = Redactor(environment_secrets())
    configs = [] if config.engine is None else config.engine.strategies
    classes = [str(c.strategy_path).rpartition(":")[2] for c in configs]
    parameters = details.parameters
    if parameters is None:
        alone = dict(configs[0].config) if len(configs) == 1 else {}
        parameters = strategies.without_everyones(alone)
    code = code_of([])
    record = Record(
        run_id=uuid4(),
        started_at=datetime.now(UTC),
        strategy_name=_name(details, redactor, strategies.joined(classes)),
        instrument_ids=instruments_asked_for(config),
        data_source=_redacted(redactor, details.data_source),
        data_fingerprint=_redacted(redactor, details.data_fingerprint),
        config_hash=given_hash(details),
        config_snapshot=_json(redactor, details.config_snapshot or node_snapshot(config)),
        parameters=_json(redactor, parameters),
        provenance=_provenance(details, redactor, code, GitQuery(code.files)),
        **_said(details, redactor),
    )
    return _ended(record, redactor, outcome)


def _said(details: RunDetails, redactor: Redactor) -> dict[str, Any]:
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


def _name(details: RunDetails, redactor: Redactor, otherwise: str) -> str:
    return redactor.text(clean(str(details.strategy_name or otherwise)))


def _json(redactor: Redactor, value: object) -> Json:
    redacted = redactor.redact(plain(value))
    return redacted if isinstance(redacted, dict) else {}


def _redacted(redactor: Redactor, text: object) -> str | None:
    return None if text is None else redactor.text(clean(str(text)))


def _provenance(details: RunDetails, redactor: Redactor, code: Code, git: GitQuery) -> Json:
    tell = partial(provenance_of, code, git, command_line=details.command_line)
    origin: Json = attempt("tell where the run comes from", tell, {})
    script = script_of_process() if details.command_line is None else None
    varied = {"batch_inputs": details.batch_inputs} if details.batch_inputs else {}
    return _json(redactor, origin | {"script": script} | varied)


def _duration(backtest: Backtest, begun: StartedRun) -> float:
    took = backtest.duration()
    return perf_counter() - begun.clock if took is None else max(0.0, took - begun.overhead)
