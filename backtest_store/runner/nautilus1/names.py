"""NautilusTrader 1.x's names for what the runner needs, and what it does differently from 2.0."""

from __future__ import annotations

from typing import Any

from nautilus_trader.config import StrategyConfig
from nautilus_trader.model import currencies, instruments
from nautilus_trader.model.enums import AggressorSide, BookType, OrderSide, OrderType, PositionSide
from nautilus_trader.model.instruments import CurrencyPair, Instrument
from nautilus_trader.model.objects import Currency
from nautilus_trader.persistence.catalog import ParquetDataCatalog

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

BARS_FOLDER = "bar"
BUYER, SELLER = AggressorSide.BUYER, AggressorSide.SELLER


def known_currency(code: str) -> bool:
    """Tell whether NautilusTrader knows a currency."""
    return Currency.from_internal_map(code) is not None


def currency_codes() -> list[str]:
    """List the currencies that NautilusTrader knows."""
    return [name for name, value in vars(currencies).items() if isinstance(value, Currency)]


def of_kind(name: str) -> dict[str, Any]:
    """Return what a `BacktestDataConfig` says of the kind of its data."""
    return {"data_cls": f"nautilus_trader.model.data:{name}"}


def settlement_of(instrument: Instrument) -> str:
    """Return the code of the currency that an instrument's profit is paid in."""
    return str(instrument.get_settlement_currency().code)


def write(catalog: ParquetDataCatalog, data: list[Any]) -> None:
    """Write data of one kind into a catalog."""
    catalog.write_data(data)


def read_bars(path: str, bar_types: list[str], start: str | None, end: str | None) -> list[Any]:
    """Read bars from a catalog, from and to times in ISO 8601."""
    catalog = ParquetDataCatalog(path)
    return list(catalog.bars(bar_types=bar_types, start=start, end=end))


def instrument_of(kind: str, values: dict[str, Any]) -> Instrument:
    """Make an instrument of a kind."""
    return getattr(instruments, kind).from_dict(values)
