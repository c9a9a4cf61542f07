"""What decides about a run's result, computed once, from values that nothing has redacted.

Configuration, data and code are digested while they are in memory. Records, the search for
duplicates and reproduction read the digests. Where something that decides cannot be described, its
digest is None: two runs of which that is not known are never called identical.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from backtest_store.capture.engines.v1.exchanges import exchanges, venue_settings
from backtest_store.capture.identity.components import (
    attributes,
    components_of,
    unknown_arguments,
)
from backtest_store.capture.identity.hashed_configuration import substance
from backtest_store.capture.identity.imports import RANDOM
from backtest_store.capture.identity.json_values import canonical, is_whole, plain
from backtest_store.capture.identity.random_numbers import generators, model_draws
from backtest_store.models import Json

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine

    from backtest_store.capture.identity.code import Code

VENUE = "the venues could not be described"
VALUES = "the configuration has values that could not be described whole"
CHANCE = "the run drew random numbers, and from which state it began is not known any more"


@dataclass(frozen=True)
class Configuration:
    """The digest of all that configures a run but for its data and dates, or why it has none.

    `chance` tells from which state a run that draws random numbers began.
    """

    digest: str | None = None
    unknown: Sequence[str] = (VALUES,)
    chance: Json = field(default_factory=dict)


def configuration_of(
    engine: BacktestEngine, snapshot: Json, given: Mapping[str, Any] | None, code: Code
) -> Configuration:
    """Digest what configures an engine.

    Parameters
    ----------
    engine : BacktestEngine
        With its venues, instruments and components, before its run or after.
    snapshot : dict
        From `engine_snapshot`, not redacted.
    given : mapping, optional
        What a node or the caller says besides, such as the configuration of the node's run.
    code : Code
        Of the run.

    Returns
    -------
    Configuration
    """
    has_run = engine.run_finished is not None
    fills_draw = any(model_draws(exchange.fill_model) for exchange in exchanges(engine))
    drawn = code.draws | ({RANDOM} if fills_draw else frozenset())
    chance = {} if has_run else generators(drawn)
    facts = {
        "engine": substance(snapshot),
        "given": substance(plain(given)),
        "venues": [venue_settings(exchange) for exchange in exchanges(engine)],
        "attributes": [] if has_run else [attributes(c) for c in components_of(engine)],
        "chance": chance,
    }
    unknown = [*unknown_arguments(engine.trader.strategies())]
    unknown += [VENUE] if len(snapshot.get("venues", ())) != len(engine.list_venues()) else []
    unknown += [CHANCE] if drawn and has_run else []
    unknown += [] if is_whole(facts) else [VALUES]
    digest = hashlib.sha256(canonical(facts).encode()).hexdigest()
    return Configuration(None if unknown else digest, unknown, chance)


def run_hash(
    configuration: Configuration,
    *,
    instrument_ids: Sequence[str],
    dates: Sequence[datetime | None],
    data_fingerprint: str | None,
) -> str | None:
    """Digest configuration, instruments, dates and data; None if the configuration is unknown.

    Returns
    -------
    str or None
        SHA-256 in hex, the same in every process and for every order of keys.
    """
    if configuration.digest is None:
        return None
    return _digest(configuration.digest, instrument_ids, dates, data_fingerprint)


def config_hash(
    snapshot: Json,
    *,
    instrument_ids: Sequence[str],
    dates: Sequence[datetime | None],
    data_fingerprint: str | None,
) -> str | None:
    """Digest a run that a snapshot describes in full, without an engine.

    Parameters
    ----------
    snapshot : dict
        All that configures the run, not redacted; where it draws random numbers, from which state.
    instrument_ids : sequence of str
        What is traded.
    dates : sequence of datetime
        When it begins and ends.
    data_fingerprint : str, optional
        From `market_data.fingerprint`.

    Returns
    -------
    str or None
        SHA-256 in hex; None if the snapshot has values that could not be described whole.
    """
    if not is_whole(snapshot):
        return None
    return _digest(substance(snapshot), instrument_ids, dates, data_fingerprint)


def _digest(
    configuration: Any,
    instrument_ids: Sequence[str],
    dates: Sequence[datetime | None],
    data_fingerprint: str | None,
) -> str:
    facts = [configuration, sorted(instrument_ids), [*map(_utc, dates)], data_fingerprint]
    return hashlib.sha256(canonical(facts).encode()).hexdigest()


def _utc(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat()
