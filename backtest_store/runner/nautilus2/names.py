"""NautilusTrader 2.0's names for what the runner needs, and what it does differently from 1.x."""

from __future__ import annotations

from typing import Any

from nautilus_trader import model
from nautilus_trader.model import (
    AggressorSide,
    BookType,
    CurrencyPair,
    OrderSide,
    OrderType,
    PositionSide,
)
from nautilus_trader.persistence import ParquetDataCatalog

from backtest_store.runner.config.timestamps import parse_timestamp
from backtest_store.runner.nautilus2.annotated_config import AnnotatedConfig as StrategyConfig

__all__ = [
    "BARS_FOLDER",
    "BUYER",
    "SELLER",
    "AggressorSide",
    "BookType",
    "CurrencyPair",
    "Instrument",
    "OrderSide",
    "OrderType",
    "ParquetDataCatalog",
    "PositionSide",
    "StrategyConfig",
    "currency_codes",
    "instrument_of",
    "known_currency",
    "of_kind",
    "read_bars",
    "settlement_of",
    "write",
]

Instrument = Any  # they have no class in common
BARS_FOLDER = "bars"
BUYER, SELLER = AggressorSide.BUY, AggressorSide.SELL
_WRITERS = {
    "Bar": "write_bars",
    "QuoteTick": "write_quote_ticks",
    "TradeTick": "write_trade_ticks",
}


def known_currency(code: str) -> bool:
    """Tell whether NautilusTrader knows a currency."""
    try:
        model.Currency.from_str(code, strict=True)
    except ValueError:
        return False
    return True


def currency_codes() -> list[str]:
    """List the currencies that NautilusTrader knows: it does not tell."""
    return []


def of_kind(name: str) -> dict[str, Any]:
    """Return what a `BacktestDataConfig` says of the kind of its data."""
    return {"data_type": name}


def settlement_of(instrument: Instrument) -> str:
    """Return the code of the currency that an instrument's profit is paid in."""
    return str(getattr(instrument, "settlement_currency", instrument.quote_currency).code)


def write(catalog: ParquetDataCatalog, data: list[Any]) -> None:
    """Write data of one kind into a catalog."""
    writer = _WRITERS.get(type(data[0]).__name__, "write_instruments")
    getattr(catalog, writer)(data)


def read_bars(path: str, bar_types: list[str], start: str | None, end: str | None) -> list[Any]:
    """Read bars from a catalog, from and to times in ISO 8601."""
    limits = [None if time is None else parse_timestamp(time) for time in (start, end)]
    return list(ParquetDataCatalog(path).query_bars(bar_types, *limits))


def instrument_of(kind: str, values: dict[str, Any]) -> Instrument:
    """Make an instrument of a kind; what is not known is left out, but for a perpetual's lot."""
    given = values | {"lot_size": values.get("lot_size") or values.get("size_increment")}
    known = {name: value for name, value in given.items() if value is not None}
    return getattr(model, kind).from_dict(known)
