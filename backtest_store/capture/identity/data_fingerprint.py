"""The market data of a run, and the one fingerprint of it that the whole product uses.

The fingerprint is a digest of every element in the order in which the engine replays them, so that
equal data has an equal one, wherever it is and however it was read.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter
from types import GetSetDescriptorType
from typing import TYPE_CHECKING, Any, cast

from backtest_store.capture.accounting.days import isoformat
from backtest_store.capture.identity.json_values import canonical, is_whole, plain
from backtest_store.models import Json

if TYPE_CHECKING:
    from nautilus_trader.core.data import Data

PART = 4096
REVISION = attrgetter("is_revision")
ARRIVAL = attrgetter("ts_init")
CYTHON = "nautilus_trader.model.data"
RUST = frozenset({"nautilus_trader.model", "nautilus_trader.core.nautilus_pyo3.model"})
# The texts of these have all that they hold, but for the moment of their arrival; other classes in
# Rust leave out much, an order book its orders.
WHOLE_TEXTS = frozenset(
    {
        "Bar",
        "QuoteTick",
        "OrderBookDelta",
        "MarkPriceUpdate",
        "IndexPriceUpdate",
        "FundingRateUpdate",
        "InstrumentClose",
    }
)


class Fingerprint:
    """A digest that grows with the data, in whatever portions it comes.

    It is None as soon as an element cannot be told from others.
    """

    def __init__(self) -> None:
        # Each field apart: together they would depend on where a portion ends.
        self._texts, self._kinds = hashlib.sha256(), hashlib.sha256()
        self._times, self._revisions = hashlib.sha256(), hashlib.sha256()
        self._is_known = True
        self.count = 0

    def add(self, data: Iterable[Data]) -> Fingerprint:
        """Add data that is replayed after all that was added before."""
        elements = iter(data)
        while part := list(islice(elements, PART)):
            self._add(part)
            self.count += len(part)
        return self

    @property
    def value(self) -> str | None:
        """Return the SHA-256 in hex; None if it is not known or there is no data."""
        if not self._is_known or not self.count:
            return None
        digests = self._texts, self._kinds, self._times, self._revisions
        return hashlib.sha256(b"".join(d.digest() for d in digests)).hexdigest()

    def _add(self, part: list[Data]) -> None:
        kinds = set(map(type, part))
        tellers = {kind: _teller_of(kind) for kind in kinds}
        if len(kinds) == 1:
            texts = list(map(next(iter(tellers.values())), part))
        else:
            texts = [tellers[type(element)](element) for element in part]
        if None in texts:
            self._is_known = False
            return
        lines = "\n".join(cast("list[str]", texts))
        self._texts.update(f"{lines}\n".encode("utf-8", "replace"))
        self._kinds.update(_lines_of_kinds(part, kinds))
        self._times.update(array("Q", map(ARRIVAL, part)).tobytes())
        bars = {kind for kind in kinds if hasattr(kind, "is_revision")}  # those of 1.x alone
        flags = map(REVISION if bars == kinds else _revised, part)
        if bars and any(flags):
            places = [n for n, element in enumerate(part, self.count) if _revised(element)]
            self._revisions.update(b"".join(b"%d\n" % n for n in places))


def fingerprint(data: Iterable[Data]) -> str | None:
    """Digest data in its order; None without data, or if an element cannot be told from others."""
    return Fingerprint().add(data).value


def _lines_of_kinds(part: list[Data], kinds: set[type]) -> bytes:
    """Return the name of each element's class, a line each; of one class, at once."""
    if len(kinds) == 1:
        return f"{next(iter(kinds)).__qualname__}\n".encode("utf-8", "replace") * len(part)
    names = [type(element).__qualname__ for element in part]
    return "\n".join([*names, ""]).encode("utf-8", "replace")


def _revised(element: Data) -> bool:
    return bool(getattr(element, "is_revision", False))


def _teller_of(kind: type) -> Callable[[Any], str | None]:
    """Return what tells all that an element of a class holds; None where that cannot be told."""
    if kind.__name__ == "CustomData" and kind.__module__ in {CYTHON, *RUST}:
        return _text_of_custom
    if kind.__module__ == CYTHON:
        return _text_of_close if kind.__name__ == "InstrumentClose" else str
    if kind.__module__ not in RUST:
        return _text_of_own
    if kind.__name__ == "TradeTick":
        return _text_of_trade
    return str if kind.__name__ in WHOLE_TEXTS else _text_of_shown


def _text_of_custom(element: Any) -> str | None:
    inner = _teller_of(type(element.data))(element.data)
    return None if inner is None else f"{element.data_type} {inner}"


def _text_of_close(close: Any) -> str:
    """Return the text of a close of 1.x, which lacks its time."""
    return f"{close} {close.ts_event}"


def _text_of_trade(trade: Any) -> str:
    """Return a trade's text with the names that 1.x has for who came to whom."""
    return str(trade).replace(",BUY,", ",BUYER,").replace(",SELL,", ",SELLER,")


def _text_of_shown(element: Any) -> str:
    """Return all that an element of a compiled class shows, lists item by item."""
    kind = type(element)
    names = sorted(n for n, v in vars(kind).items() if isinstance(v, GetSetDescriptorType))
    values = [getattr(element, name) for name in names]
    return " ".join(str([*map(str, v)] if isinstance(v, list) else v) for v in values)


def _text_of_own(element: Any) -> str | None:
    """Return the text of an element of a class of the user's."""
    state = plain(_state(element))
    return f"{type(element).__module__} {canonical(state)}" if is_whole(state) else None


def _state(element: Data) -> object:
    """Return all that a user's data holds, by its own account or by its attributes."""
    write = getattr(element, "to_dict", None)
    if write is not None:
        return write()
    slots = [n for kind in type(element).__mro__ for n in getattr(kind, "__slots__", ())]
    held = {name: getattr(element, name, None) for name in slots} | getattr(element, "__dict__", {})
    return held | {"ts_event": element.ts_event} if held else element


@dataclass(frozen=True)
class MarketData:
    """Data in memory: how much, from when to when (UNIX nanoseconds), its streams, a digest.

    `is_all` tells whether nothing else was to be replayed that is not in memory yet.
    """

    count: int = 0
    first: int | None = None
    last: int | None = None
    streams: tuple[str, ...] = ()
    digest: Fingerprint = field(default_factory=Fingerprint)
    is_all: bool = True

    @classmethod
    def of(
        cls, data: Sequence[Data], streams: Iterable[str], *, is_all: bool, is_known: bool
    ) -> MarketData:
        """Look at data in the order in which it is replayed; `is_known` spares its digest."""
        return cls(
            count=len(data),
            first=data[0].ts_init if data else None,
            last=data[-1].ts_init if data else None,
            streams=tuple(sorted(streams)),
            digest=Fingerprint() if is_known else Fingerprint().add(data),
            is_all=is_all,
        )

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
