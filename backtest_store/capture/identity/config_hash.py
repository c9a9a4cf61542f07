"""What decides about a run's result, computed once, from values that nothing has redacted.

Configuration, data and code are digested while they are in memory. Records, the search for
duplicates and reproduction read the digests. Where something that decides cannot be described, its
digest is None: two runs of which that is not known are never called identical.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from backtest_store.capture.engines.nautilus1.exchanges import exchanges, venue_settings
from backtest_store.capture.identity.code.source import NUMPY, RANDOM, SYSTEM
from backtest_store.capture.identity.components import (
    attributes,
    components_of,
    unknown_arguments,
)
from backtest_store.capture.identity.json_values import canonical, is_whole, plain
from backtest_store.models import Json, JsonValue

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.backtest.models import FillModel

    from backtest_store.capture.identity.code.code_hash import Code


VENUE = "the venues could not be described"
VALUES = "the configuration has values that could not be described whole"
UNSEEDED = "the code makes generators of random numbers that nothing seeds"
CHANCE = "the run drew random numbers, and from which state it began is not known any more"


@dataclass(frozen=True)
class Configuration:
    """The digest of all that configures a run but for its data and dates, or why it has none.

    `chance` tells from which state a run that draws random numbers began.
    """

    digest: str | None = None
    unknown: Sequence[str] = (VALUES,)
    chance: Json = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Json, unknown: Sequence[str], chance: Json) -> Configuration:
        """Digest facts, unless something is unknown already."""
        reasons = [*unknown, *([] if is_whole(facts) else [VALUES])]
        digest = hashlib.sha256(canonical(facts).encode()).hexdigest()
        return cls(None if reasons else digest, reasons, chance)


def configuration_of(
    engine: BacktestEngine, snapshot: Json, given: Mapping[str, Any] | None, code: Code
) -> Configuration:
    """Digest what configures an engine, before its run or after.

    `snapshot` is not redacted; `given` is what a node or the caller says besides.
    """
    has_run = engine.run_finished is not None
    fills_draw = any(model_draws(exchange.fill_model) for exchange in exchanges(engine))
    drawn = code.draws | ({RANDOM} if fills_draw else frozenset())
    chance = {} if has_run else random_states(drawn)
    facts = {
        "engine": deciding_configuration(snapshot),
        "given": deciding_configuration(plain(given)),
        "venues": [venue_settings(exchange) for exchange in exchanges(engine)],
        "attributes": [] if has_run else [attributes(c) for c in components_of(engine)],
        "chance": chance,
    }
    unknown = [*unknown_arguments(engine.trader.strategies())]
    unknown += [VENUE] if len(snapshot.get("venues", ())) != len(engine.list_venues()) else []
    unknown += [CHANCE] if drawn and has_run else []
    unknown += unseeded(code)
    return Configuration.of(facts, unknown, chance)


def unseeded(code: Code) -> list[str]:
    """Say if the code makes generators that nothing seeds: nobody sees their states."""
    return [UNSEEDED] if SYSTEM in code.draws else []


def config_hash(
    snapshot: Json,
    *,
    instrument_ids: Sequence[str],
    dates: Sequence[datetime | None],
    data_fingerprint: str | None,
) -> str | None:
    """Digest a run that a snapshot describes in full, not redacted, without an engine.

    It is the same in every process and for every order of keys; None if the snapshot has values
    that could not be described whole.
    """
    if not is_whole(snapshot):
        return None
    return run_hash(deciding_configuration(snapshot), instrument_ids, dates, data_fingerprint)


def run_hash(
    configuration: JsonValue,
    instrument_ids: Sequence[str],
    dates: Sequence[datetime | None],
    data_fingerprint: str | None,
) -> str:
    """Digest a configuration, or its own digest, with instruments, dates and data."""
    times = [None if time is None else time.astimezone(UTC).isoformat() for time in dates]
    facts = [configuration, sorted(instrument_ids), times, data_fingerprint]
    return hashlib.sha256(canonical(facts).encode()).hexdigest()


# What names a run or its orders, or says where it writes, and changes nothing in its result.
ENGINE_NAMES = frozenset(
    {"trader_id", "instance_id", "logging", "loop_debug", "streaming", "catalogs"}
)
COMPONENT_NAMES = frozenset({"strategy_id", "order_id_tag", "component_id", "exec_algorithm_id"})
COMPONENTS = ("strategies", "actors", "exec_algorithms")
# How a run is carried out, and when it begins and ends, which the data and the dates tell.
RUN_NAMES = frozenset({"raise_exception", "dispose_on_completion", "chunk_size", "start", "end"})
# Where data is and which part of it is read: its fingerprint tells what was found there.
DATA_PLACES = frozenset(
    {
        "path",
        "source",
        "catalog_path",
        "catalog_fs_protocol",
        "catalog_fs_storage_options",
        "catalog_fs_rust_storage_options",
        "start_time",
        "end_time",
        "optimize_file_loading",
        "streams",
        "count",
        "first",
        "last",
    }
)


def deciding_configuration(snapshot: JsonValue) -> JsonValue:
    """Return what of a `BacktestRunConfig` as JSON, not redacted, decides about a run's result."""
    if not isinstance(snapshot, dict):
        return snapshot
    config = _nameless({n: value for n, value in snapshot.items() if n not in RUN_NAMES})
    if isinstance(config.get("data"), list):
        config["data"] = [kept for data in config["data"] if (kept := _placeless(data))]
    engine = config.get("engine")
    if isinstance(engine, dict):
        kept = {name: value for name, value in engine.items() if name not in ENGINE_NAMES}
        config["engine"] = kept | {n: _all_nameless(kept[n]) for n in COMPONENTS if n in kept}
    return config


def _placeless(data: JsonValue) -> JsonValue:
    if not isinstance(data, dict):
        return data
    return {name: value for name, value in data.items() if name not in DATA_PLACES}


def _all_nameless(components: JsonValue) -> JsonValue:
    if not isinstance(components, list):
        return components
    return [_nameless(c) if isinstance(c, dict) else c for c in components]


def _nameless(component: Json) -> Json:
    config = component.get("config")
    if not isinstance(config, dict):
        return dict(component)
    kept = {name: value for name, value in config.items() if name not in COMPONENT_NAMES}
    return component | {"config": kept}


# Of NautilusTrader's own fill models, the one that draws whatever its probabilities are.
DRAWING = "ProbabilisticFillModel"
CERTAIN = (0, 1)


def random_states(drawn: Collection[str]) -> Json:
    """Digest the states of those generators that are drawn from, of the ones a process shares.

    NautilusTrader's models seed and draw from Python's, so what a run draws depends on its state
    when the run begins: only the first run after the seed begins where the seed says.
    """
    states: dict[str, object] = {RANDOM: random.getstate()}
    if numpy := sys.modules.get("numpy.random"):
        states[NUMPY] = _numpy_state(numpy)
    return {
        name: hashlib.sha256(repr(state).encode()).hexdigest()
        for name, state in states.items()
        if name in drawn
    }


def model_draws(model: FillModel) -> bool:
    """Tell whether a fill model draws random numbers to fill orders."""
    if DRAWING in (kind.__name__ for kind in type(model).__mro__):
        return True
    names = [name for name in dir(model) if name.startswith("prob_")]
    return any(getattr(model, name) not in CERTAIN for name in names)


def _numpy_state(numpy: object) -> object:
    name, keys, *rest = numpy.get_state()  # type: ignore[attr-defined]
    return name, keys.tobytes(), rest
