"""Run a `BacktestRunConfig` as 2.0's own node does, and record it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from nautilus_trader.backtest import BacktestNode

from backtest_store.capture.engines.v2 import node_config
from backtest_store.capture.engines.v2.node import watch_node_class
from backtest_store.capture.engines.v2.requests import in_order
from backtest_store.capture.identity.code import code_of
from backtest_store.capture.identity.identity import config_hash
from backtest_store.capture.identity.market_data import fingerprint
from backtest_store.errors import StoreError, UsageError
from backtest_store.hook import record
from backtest_store.runner.config.file import Origin
from backtest_store.runner.config.timestamps import to_datetime
from backtest_store.runner.config_runs import Ended, Facts
from backtest_store.runner.second.run_config import Made, make

if TYPE_CHECKING:
    from backtest_store.models import Json
    from backtest_store.runner.config.expansion import Backtest
    from backtest_store.runner.config_runs import Batch

_STORED = Origin("the configuration")
# What the recorder reads after the run is still there, and an error is raised and not only logged.
_FIXED = {"dispose_on_completion": False, "raise_exception": True}


def facts_of(backtest: Backtest) -> Facts:
    """Load the data of a backtest, and return what its run will be known by.

    Raises
    ------
    UsageError
        If a catalog has no such data, or the parts of the configuration contradict each other.
    """
    made = make(backtest.run_config, _STORED)
    code = code_of({type(one) for _, one in made.components})
    facts = _facts(json.dumps(backtest.run_config, sort_keys=True), backtest.data_source)
    return replace(
        facts,
        config_hash=None if code.draws else facts.config_hash,
        code_hash=code.code_hash,
    )


@lru_cache(maxsize=256)
def _facts(text: str, data_source: str | None) -> Facts:
    content = json.loads(text)
    config = make(content, _STORED).config
    data = in_order([_data(config, entry) for entry in config.data])
    if not data:
        raise UsageError("; ".join(_missing(entry) for entry in content["data"]))
    times = [data[0].ts_init, data[-1].ts_init]
    limits = zip((config.start, config.end), times, strict=True)
    asked = [time if given is None else given for given, time in limits]
    digest = fingerprint(data)
    known = config_hash(
        _without_metadata(content),
        instrument_ids=_instruments(data),
        dates=[to_datetime(time) for time in (*times, *asked)],
        data_fingerprint=digest,
    )
    source = data_source or ", ".join(dict.fromkeys(str(e.catalog_path) for e in config.data))
    return Facts(known if _is_determined(content) else None, None, digest, source)


def _data(config: Any, entry: Any) -> list[Any]:
    try:
        return node_config.data_of(BacktestNode, config, entry)
    except (RuntimeError, OSError, ValueError) as error:
        raise UsageError(f"{entry.catalog_path}: {error}") from error


def _instruments(data: Sequence[Any]) -> list[str]:
    from backtest_store.capture.engines.v2.prices import instrument_of

    return sorted(set(map(instrument_of, data)))


def _missing(entry: Json) -> str:
    wanted = entry.get("bar_types") or entry.get("instrument_ids") or [entry.get("instrument_id")]
    name = ", ".join(str(one) for one in wanted if one)
    return f"{entry['catalog_path']} has no {entry['data_type']} of {name}".removesuffix(" of ")


def _is_determined(content: Json) -> bool:
    """Tell whether a seed determines what a run draws, and whether it reads nothing besides."""
    given = [(venue.get("fill_model") or {}).get("arguments") or {} for venue in content["venues"]]
    drawing = [one for one in given if any(one.get(n) not in {None, 0, 1} for n in _CHANCES)]
    has_seeds = all(one.get("random_seed") is not None for one in drawing)
    return has_seeds and not (content.get("engine") or {}).get("catalogs")


_CHANCES = ("prob_slippage", "prob_fill_on_limit")


def _without_metadata(content: Json) -> Json:
    """Leave out of what a catalog was made: its fingerprint tells what is there."""
    data = [{n: v for n, v in entry.items() if n != "metadata"} for entry in content["data"]]
    return content | {"data": data}


def run(
    backtest: Backtest,
    *,
    batch: Batch | None = None,
    inputs: Json | None = None,
    reproduced_from: UUID | None = None,
    command_line: str | None = None,
) -> Ended:
    """Run a backtest once, and save it, however it ends.

    Raises
    ------
    UsageError
        If it cannot be run; nothing is saved then.
    StoreError
        If it could not be recorded.
    """
    facts = facts_of(backtest)
    node = _built(make(backtest.run_config, _STORED, **_FIXED))
    recording = record(
        node,
        strategy_name=backtest.name,
        strategy_type=backtest.type,
        tags=backtest.tags,
        note=backtest.note,
        data_source=facts.data_source,
        data_fingerprint=facts.data_fingerprint,
        config_snapshot=backtest.run_config,
        config_hash=facts.config_hash,
        reproduced_from=reproduced_from,
        batch_id=None if batch is None else batch.id,
        batch_name=None if batch is None else batch.name,
        batch_inputs=None if batch is None else inputs,
        command_line=command_line,
    )
    try:
        with recording:
            node.run()
    except Exception:
        if not recording.records:
            raise
    finally:
        node.dispose()
    if not recording.records:
        raise StoreError("the run could not be recorded", hint="the warning above says why")
    return Ended(recording.records[-1], is_saved=not recording.unsaved)


def _built(made: Made) -> BacktestNode:
    """Return a node with the engine of a configuration, and its components in it."""
    watch_node_class(BacktestNode)
    try:
        node = BacktestNode([made.config])
        node.build()
        for single, component in made.components:
            getattr(node, f"add_{single}")(made.config.id, component)
    except (RuntimeError, ValueError) as error:
        raise UsageError(str(error)) from error
    return node
