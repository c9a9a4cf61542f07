"""What the configuration of a 2.0 node says: its venues, and its data, read from the catalogs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

QUERIES = {
    "Bar": "query_bars",
    "QuoteTick": "query_quote_ticks",
    "TradeTick": "query_trade_ticks",
    "OrderBookDelta": "query_order_book_deltas",
    "OrderBookDepth": "query_order_book_depths",
}


def package_of(node: Any) -> str:
    """Return the package of a node, or of its class, and of all that it takes."""
    kind = node if isinstance(node, type) else type(node)
    return str(kind.__module__.rpartition(".")[0])


def venue_of(node: Any, config: Any) -> dict[str, Any]:
    """Return the settings of a venue, under the names by which an engine is told them."""
    money = import_module(f"{package_of(node)}.model").Money
    names = [name for name in dir(type(config)) if not name.startswith("_")]
    said = {name: getattr(config, name) for name in names}
    balances = [money.from_str(text) for text in config.starting_balances]
    return said | {"venue": said.pop("name"), "starting_balances": balances}


def data_of(node: Any, config: Any, data: Any) -> list[Any]:
    """Read what the node reads of a catalog."""
    catalog = import_module(f"{package_of(node)}.persistence").ParquetDataCatalog
    if data.catalog_fs_storage_option_keys or data.catalog_fs_rust_storage_option_keys:
        raise ValueError("its storage options are not shown")
    protocol = data.catalog_fs_protocol
    path = data.catalog_path if protocol in {None, "file"} else f"{protocol}://{data.catalog_path}"
    kind = str(data.data_type).rpartition(".")[2]
    query = getattr(catalog(path), QUERIES[kind])
    given: list[Any] = query(
        _identifiers(data),
        _last(max, data.start_time, config.start),
        _last(min, data.end_time, config.end),
        data.filter_expr,
    )
    return given


def _identifiers(data: Any) -> list[str] | None:
    if data.bar_types:
        return list(data.bar_types)
    ids = [str(i) for i in data.instrument_ids or [data.instrument_id] if i is not None]
    if data.bar_spec is not None:
        return [f"{one}-{data.bar_spec}-EXTERNAL" for one in ids]
    return ids or None


def _last(choose: Callable[[Iterator[int]], int], *times: int | None) -> int | None:
    known = [time for time in times if time is not None]
    return choose(iter(known)) if known else None
