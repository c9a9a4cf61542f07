"""Make the NautilusTrader instrument that a config describes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from backtest_store.errors import UsageError
from backtest_store.models import Json
from backtest_store.runner.config.file import UnfitError
from backtest_store.runner.config.short_form import InstrumentConfig, InstrumentType, VenueConfig
from backtest_store.runner.config.timestamps import last_moment
from backtest_store.runner.nautilus_names import (
    CurrencyPair,
    Instrument,
    currency_codes,
    instrument_of,
    known_currency,
    settlement_of,
)
from backtest_store.suggestions import did_you_mean

_PAIR_LENGTH = len("EURUSD")
_CRYPTO_DECIMALS = 8
_PAIRS = ("currency_pair", "crypto", "perpetual")
_CONTRACTS = ("future", "option")
_CLASSES = {
    "equity": "Equity",
    "currency_pair": "CurrencyPair",
    "crypto": "CurrencyPair",
    "perpetual": "CryptoPerpetual",
    "future": "FuturesContract",
    "option": "OptionContract",
}
_LIMITS = ("max_quantity", "min_quantity", "max_notional", "min_notional", "max_price", "min_price")
# What only some instruments have, and what the others say of it.
_ONLY: dict[str, tuple[tuple[str, ...], str]] = {
    "currency": (("equity", *_CONTRACTS), "a pair has a base_currency and a quote_currency"),
    "base_currency": (_PAIRS, "only a pair has one"),
    "quote_currency": (_PAIRS, "only a pair has one"),
    "multiplier": ((*_CONTRACTS, "perpetual"), "only contracts have one"),
    "underlying": (_CONTRACTS, "only a future or an option has one"),
    "expiry": (_CONTRACTS, "only a future or an option has one"),
    "option_kind": (("option",), "only an option has one"),
    "strike_price": (("option",), "only an option has one"),
}
_NEEDED = {"future": ("multiplier", "expiry"),
           "option": ("multiplier", "expiry", "option_kind", "strike_price")}  # fmt: skip
# The symbol that a file's name begins with: capitals, and a venue if there is one.
_FILE_NAME = re.compile(r"([A-Z0-9][A-Z0-9^=-]*)(?:\.([A-Z]{2,}))?(?:[_. ].*)?")
_QUOTES = ("USDT", "USDC", "BUSD", "USD", "EUR", "GBP", "JPY", "BTC", "ETH")


@dataclass(frozen=True)
class Described:
    """An instrument's id, what the config says of it, and what else decides about it."""

    id: str
    config: InstrumentConfig
    currency: str
    price_decimals: Callable[[], int]

    @property
    def symbol(self) -> str:
        """Its name at its venue."""
        return self.id.rpartition(".")[0]

    @property
    def type(self) -> InstrumentType:
        """What it is, by its config or its name."""
        return self.config.type or ("currency_pair" if "/" in self.id else "equity")


def name_from_file(name: str) -> str | None:
    """Return the instrument that a file's name tells; None if it tells none."""
    stem = name.removesuffix(".gz").removesuffix(".csv")
    match = _FILE_NAME.fullmatch(stem)
    if match is None:
        return None
    return f"{_with_slash(match[1])}.{match[2] or 'SIM'}"


def build_instrument(described: Described) -> Instrument:
    """Return the instrument."""
    _check_keys(described)
    values = _common(described)
    if described.type in _PAIRS:
        values |= _pair(described)
    else:
        values |= {
            "currency": _currency(described.config.currency or described.currency, described)
        }
    if described.type in _CONTRACTS:
        values |= _contract(described)
    try:
        return instrument_of(_CLASSES[described.type], values)
    except ValueError as error:
        raise UsageError(f"instrument {described.id}: {error}") from error


def check_tradable(instrument: Instrument, venue: VenueConfig) -> None:
    """Refuse an account in which the instrument cannot be traded.

    One in another currency would need an exchange rate to count its profit.
    """
    settled = settlement_of(instrument)
    if settled != venue.currency:
        raise UnfitError(
            f"{venue.starting_balance!r} is not in {settled}, in which {instrument.id} is quoted",
            "venue", "starting_balance",
        )  # fmt: skip
    if venue.account_type == "CASH" and isinstance(instrument, CurrencyPair):
        raise UnfitError(
            f"{instrument.id} needs a MARGIN account, was CASH; a cash account in one currency"
            " cannot hold another",
            "venue", "account_type",
        )  # fmt: skip


def _check_keys(described: Described) -> None:
    section = described.config
    for key, (types, reason) in _ONLY.items():
        if getattr(section, key) is not None and described.type not in types:
            raise UnfitError(f"{reason}, was {getattr(section, key)!s}", "instrument", key)
    for key in _NEEDED.get(described.type, ()):
        if getattr(section, key) is None:
            reason = f"is missing; write it, since {described.id} is of type {described.type!r}"
            raise UnfitError(reason, "instrument", key)
    if section.size_precision and described.type not in _PAIRS:
        reason = f"an {described.type} trades in whole units, was {section.size_precision}"
        raise UnfitError(reason, "instrument", "size_precision")


def _common(described: Described) -> Json:
    section = described.config
    tick, precision = _tick(section, described.price_decimals)
    size = _size_precision(described)
    lot = section.lot_size
    _require_places("lot_size", lot, size, "the size's")
    margin = str(Decimal(1) if section.margin is None else section.margin)
    return dict.fromkeys(_LIMITS) | {
        "id": described.id,
        "raw_symbol": described.symbol,
        "price_precision": precision,
        "price_increment": f"{tick:.{precision}f}",
        "size_precision": size,
        "size_increment": f"{Decimal(1).scaleb(-size):.{size}f}",
        "lot_size": None if lot is None and described.type in _PAIRS else f"{lot or 1:.{size}f}",
        "multiplier": f"{section.multiplier or 1:f}",
        "margin_init": margin,
        "margin_maint": margin,
        "maker_fee": "0",
        "taker_fee": "0",
        "ts_event": 0,
        "ts_init": 0,
        "info": None,
    }


def _pair(described: Described) -> Json:
    base, quote = _currencies(described)
    return {
        "base_currency": base,
        "quote_currency": quote,
        "settlement_currency": quote,
        "is_inverse": False,
    }


def _contract(described: Described) -> Json:
    section = described.config
    return {
        "asset_class": "INDEX" if described.type == "future" else "EQUITY",
        "underlying": section.underlying or described.symbol,
        "exchange": None,
        "activation_ns": 0,
        "expiration_ns": last_moment(section.expiry) if section.expiry else 0,
        "option_kind": section.option_kind,
        "strike_price": f"{section.strike_price or 0:f}",
    }


def _currencies(described: Described) -> tuple[str, str]:
    section, symbol = described.config, described.symbol
    base, slash, quote = symbol.partition("/")
    if not slash:
        base, _, quote = _with_slash(symbol, is_pair=True).partition("/")
    base = section.base_currency or (base if quote else "")
    quote = section.quote_currency or quote
    if not base or not quote:
        raise UnfitError(
            f"{symbol!r} does not tell it; write base_currency and quote_currency, or the symbol"
            " as BASE/QUOTE",
            "instrument", "quote_currency" if base else "base_currency",
        )  # fmt: skip
    return _currency(base, described), _currency(quote, described)


def _with_slash(symbol: str, *, is_pair: bool = False) -> str:
    """Write EURUSD and BTCUSDT as pairs; other symbols as they are."""
    bare = symbol.replace("-", "").replace("PERP", "")
    if len(bare) == _PAIR_LENGTH and (is_pair or (_known(bare[:3]) and _known(bare[3:]))):
        return f"{bare[:3]}/{bare[3:]}"
    for quote in _QUOTES:
        base = bare.removesuffix(quote)
        if base != bare and _known(base):
            return f"{base}/{quote}"
    return symbol


def _known(code: str) -> bool:
    return bool(code) and known_currency(code)


def _currency(code: str, described: Described) -> str:
    # NautilusTrader takes any unknown code for a crypto-currency.
    if not _known(code) and described.type not in ("crypto", "perpetual"):
        raise UsageError(f"no currency {code!r}{did_you_mean(code, currency_codes())}")
    return code


def _tick(section: InstrumentConfig, price_decimals: Callable[[], int]) -> tuple[Decimal, int]:
    tick, precision = section.tick_size, section.price_precision
    if precision is None:
        precision = price_decimals() if tick is None else _decimal_places(tick)
    _require_places("tick_size", tick, precision, "price_precision")
    return tick or Decimal(1).scaleb(-precision), precision


def _require_places(key: str, value: Decimal | None, most: int, whose: str) -> None:
    if value is not None and _decimal_places(value) > most:
        raise UnfitError(f"{value} has more decimals than {whose} {most}", "instrument", key)


def _size_precision(described: Described) -> int:
    section = described.config
    if described.type not in _PAIRS:
        return 0
    if section.size_precision is not None:
        return section.size_precision
    if section.lot_size is not None:
        return _decimal_places(section.lot_size)
    return 0 if described.type == "currency_pair" else _CRYPTO_DECIMALS


def _decimal_places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
