"""What market data an engine holds in memory, and a fingerprint of it."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from backtest_store.capture.identity.json_values import ADDRESS
from backtest_store.models import Json

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.core.data import Data

# Reading every bar would cost more of a run than anybody should notice.
SAMPLE = 1024
NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class MarketData:
    """Data in memory: how much, from when to when (UNIX nanoseconds), its streams, a digest."""

    count: int = 0
    first: int | None = None
    last: int | None = None
    streams: tuple[str, ...] = ()
    fingerprint: str | None = None

    def describe(self) -> list[Json]:
        """Return what a snapshot says of data that no catalog holds."""
        if not self.count:
            return []
        return [
            {
                "catalog_path": None,
                "streams": list(self.streams),
                "count": self.count,
                "first": isoformat(self.first),
                "last": isoformat(self.last),
            }
        ]


def market_data_of(engine: BacktestEngine) -> MarketData:
    """Look at the data that an engine holds."""
    data = engine.data
    if not data:
        return MarketData()
    return MarketData(
        count=len(data),
        first=data[0].ts_init,
        last=data[-1].ts_init,
        streams=tuple(sorted(_streams(engine))),
        fingerprint=fingerprint(data),
    )


def fingerprint(data: Sequence[Data]) -> str:
    """Digest the number of elements, the first, the last, and evenly spaced ones in between."""
    texts = [str(data[position]) for position in sorted(_positions(len(data)))]
    content = f"{len(data)}\n" + "\n".join(texts)
    if " at 0x" in content:
        content = ADDRESS.sub("", content)
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()


def _positions(count: int) -> set[int]:
    if count <= SAMPLE:
        return set(range(count))
    return {step * (count - 1) // (SAMPLE - 1) for step in range(SAMPLE)}


def _streams(engine: BacktestEngine) -> set[str]:
    """Return the names under which the engine keeps its streams: bar types, ticks by instrument."""
    return {
        name
        for held in gc.get_referents(engine)
        if isinstance(held, set)
        for name in held
        if isinstance(name, str)
    }


def moment(nanoseconds: int | None) -> datetime | None:
    """Return a UNIX time in nanoseconds as UTC, to the microsecond."""
    if nanoseconds is None:
        return None
    seconds, rest = divmod(nanoseconds, NANOSECONDS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def isoformat(nanoseconds: int | None) -> str | None:
    """Return a UNIX time in nanoseconds in ISO 8601."""
    time = moment(nanoseconds)
    return None if time is None else time.isoformat()
