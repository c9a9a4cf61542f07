"""Which column of a CSV file holds what."""

from typing import Literal, NamedTuple

Kind = Literal["bars", "quotes", "trades"]

# The prices that make a file what it is, and the sizes that may be missing.
FIELDS: dict[Kind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "bars": (("open", "high", "low", "close"), ("volume",)),
    "quotes": (("bid", "ask"), ("bid_size", "ask_size")),
    "trades": (("price",), ("size",)),
}
_ALSO_CALLED = {
    "open": ("o",),
    "high": ("h",),
    "low": ("l",),
    "close": ("c",),
    "volume": ("vol", "v"),
    "bid": ("bid_price",),
    "ask": ("ask_price",),
    "bid_size": ("bid_qty", "bid_volume"),
    "ask_size": ("ask_qty", "ask_volume"),
    "size": ("quantity", "qty", "amount"),
    "side": ("aggressor", "aggressor_side"),
}
_FIELD_OF = {name: field for field, names in _ALSO_CALLED.items() for name in names}
_TIMES = (("timestamp",), ("datetime",), ("date", "time"), ("date",), ("time",))


class Columns(NamedTuple):
    """What a file holds, what its cells are, and which of them are the time of a row."""

    kind: Kind
    fields: list[str]
    time: tuple[str, ...]


def find_columns(header: list[str]) -> Columns:
    """Find the columns by the names in a file's first line."""
    names = [name.strip(" <>").lower() for name in header]
    listed = ", ".join(name or "(no name)" for name in names)
    fields = [_FIELD_OF.get(name, name) for name in names]
    kind = _kind(set(fields))
    if kind == "trades":
        fields = ["size" if field == "volume" else field for field in fields]
    time = next((time for time in _TIMES if set(time) <= set(fields)), None)
    if time is None:
        raise ValueError(f"no column named timestamp, datetime, date or time; found {listed}")
    prices, sizes = FIELDS[kind]
    for field in prices:
        if field not in fields:
            raise ValueError(
                f"no column named {field}; write it in the first line, which has {listed}"
            )
    for field in (*time, *prices, *sizes, *(["side"] if kind == "trades" else [])):
        if fields.count(field) > 1:
            raise ValueError(f"more than one column for {field}; found {listed}")
    return Columns(kind, fields, time)


def _kind(fields: set[str]) -> Kind:
    """Tell from its columns what a file holds."""
    found: Kind = "quotes" if fields & {"bid", "ask"} else "bars"
    return next((kind for kind, (prices, _) in FIELDS.items() if set(prices) <= fields), found)
