"""Which column of a CSV file holds what."""

from typing import Literal, NamedTuple

Kind = Literal["bars", "quotes", "trades"]

_NAMES = {
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v"),
    "bid": ("bid", "bid_price"),
    "ask": ("ask", "ask_price"),
    "bid_size": ("bid_size", "bid_qty", "bid_volume"),
    "ask_size": ("ask_size", "ask_qty", "ask_volume"),
    "price": ("price",),
    "size": ("size", "quantity", "qty", "amount", "volume"),
    "side": ("side", "aggressor", "aggressor_side"),
}
_PRICES: dict[Kind, tuple[str, ...]] = {
    "bars": ("open", "high", "low", "close"),
    "quotes": ("bid", "ask"),
    "trades": ("price",),
}
_SIZES: dict[Kind, tuple[str, ...]] = {
    "bars": ("volume",),
    "quotes": ("bid_size", "ask_size"),
    "trades": ("size",),
}
_TIME_NAMES = (("timestamp",), ("datetime",), ("date", "time"), ("date",), ("time",))


class Columns(NamedTuple):
    """What a file holds, how many cells a line has, and where in it each thing is."""

    kind: Kind
    width: int
    time: list[int]
    prices: list[int]
    sizes: list[int | None]
    side: int | None


def find_columns(header: list[str]) -> Columns:
    """Find the columns by the names in a file's first line."""
    names = [name.strip(" <>").lower() for name in header]
    kind = _kind(names)
    return Columns(
        kind,
        len(header),
        _time_columns(names),
        [_column(field, names) for field in _PRICES[kind]],
        [_optional(field, names) for field in _SIZES[kind]],
        _optional("side", names) if kind == "trades" else None,
    )


def _kind(names: list[str]) -> Kind:
    """Tell from its columns what a file holds."""
    kinds: tuple[Kind, ...] = ("bars", "quotes", "trades")
    for kind in kinds:
        if all(_optional(field, names) is not None for field in _PRICES[kind]):
            return kind
    return "quotes" if "bid" in names or "ask" in names else "bars"


def _time_columns(names: list[str]) -> list[int]:
    for wanted in _TIME_NAMES:
        if set(wanted) <= set(names):
            return [names.index(name) for name in wanted]
    raise ValueError(f"no column named timestamp, datetime, date or time; found {_listed(names)}")


def _column(field: str, names: list[str]) -> int:
    position = _optional(field, names)
    if position is None:
        raise ValueError(
            f"no column named {field}; write it in the first line, which has {_listed(names)}"
        )
    return position


def _optional(field: str, names: list[str]) -> int | None:
    found = [position for position, name in enumerate(names) if name in _NAMES[field]]
    if len(found) > 1:
        raise ValueError(f"more than one column for {field}; found {_listed(names)}")
    return found[0] if found else None


def _listed(names: list[str]) -> str:
    return ", ".join(name or "(no name)" for name in names)
