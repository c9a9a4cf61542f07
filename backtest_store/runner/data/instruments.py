"""Make the NautilusTrader instrument that a config describes."""

from collections.abc import Callable
from decimal import Decimal

from nautilus_trader.model import currencies
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import CurrencyPair, Equity, Instrument
from nautilus_trader.model.objects import Currency, Price, Quantity

from backtest_store.errors import UsageError
from backtest_store.runner.config.config import BacktestConfig
from backtest_store.runner.config.sections import InstrumentConfig, VenueConfig
from backtest_store.runner.config.suggestions import did_you_mean

_PAIR_LENGTH = len("EURUSD")
_CRYPTO_DECIMALS = 8


def build_instrument(config: BacktestConfig, price_decimals: Callable[[], int]) -> Instrument:
    """Return the instrument; `price_decimals` tells its prices' precision if the config does not.

    Raises
    ------
    UsageError
        If the config leaves something open or contradicts itself.
    """
    is_equity = config.instrument_type == "equity"
    instrument = _equity(config, price_decimals) if is_equity else _pair(config, price_decimals)
    check_tradable(instrument, config.venue)
    return instrument


def check_tradable(instrument: Instrument, venue: VenueConfig) -> None:
    """Refuse an account in which the instrument cannot be traded.

    One in another currency would need an exchange rate to count its profit.
    """
    quoted = instrument.quote_currency.code
    if quoted != venue.currency:
        raise UsageError(
            f"venue.starting_balance: {venue.starting_balance!r} is not in {quoted},"
            f" in which {instrument.id} is quoted"
        )
    if venue.account_type == "CASH" and isinstance(instrument, CurrencyPair):
        raise UsageError(
            f"venue.account_type: {instrument.id} needs a MARGIN account, was CASH;"
            " a cash account in one currency cannot hold another"
        )


def with_fees(instrument: Instrument, venue: VenueConfig) -> Instrument:
    """Return a catalog's instrument with the venue's fees, where it sets any."""
    fees = {"maker_fee": venue.maker_fee, "taker_fee": venue.taker_fee}
    given = {name: str(fee) for name, fee in fees.items() if fee is not None}
    if not given:
        return instrument
    return type(instrument).from_dict(type(instrument).to_dict(instrument) | given)


def _equity(config: BacktestConfig, price_decimals: Callable[[], int]) -> Instrument:
    section = config.instrument
    _refuse(section, ("base_currency", "quote_currency"), "an equity has only a currency")
    if section.size_precision:
        raise UsageError(
            "instrument.size_precision: an equity trades in whole units, was"
            f" {section.size_precision}"
        )
    instrument_id = InstrumentId.from_str(config.data.instrument_id)
    tick = _tick(section, price_decimals)
    return Equity(
        instrument_id=instrument_id,
        raw_symbol=instrument_id.symbol,
        currency=_currency(_equity_currency(config), config),
        price_precision=tick.precision,
        price_increment=tick,
        lot_size=_lot(section, 0) or Quantity.from_int(1),
        maker_fee=config.venue.maker_fee,
        taker_fee=config.venue.taker_fee,
        ts_event=0,
        ts_init=0,
    )


def _equity_currency(config: BacktestConfig) -> str:
    bundled = config.data.bundled.currency if config.data.source else None
    return config.instrument.currency or bundled or config.venue.currency


def _pair(config: BacktestConfig, price_decimals: Callable[[], int]) -> Instrument:
    section = config.instrument
    _refuse(section, ("currency",), "a currency pair has a base_currency and a quote_currency")
    instrument_id = InstrumentId.from_str(config.data.instrument_id)
    base, quote = _currencies(config, instrument_id.symbol.value)
    tick = _tick(section, price_decimals)
    size_precision = _size_precision(config)
    return CurrencyPair(
        instrument_id=instrument_id,
        raw_symbol=instrument_id.symbol,
        base_currency=base,
        quote_currency=quote,
        price_precision=tick.precision,
        size_precision=size_precision,
        price_increment=tick,
        size_increment=Quantity(Decimal(1).scaleb(-size_precision), size_precision),
        lot_size=_lot(section, size_precision),
        maker_fee=config.venue.maker_fee,
        taker_fee=config.venue.taker_fee,
        ts_event=0,
        ts_init=0,
    )


def _refuse(section: InstrumentConfig, keys: tuple[str, ...], reason: str) -> None:
    for key in keys:
        if getattr(section, key) is not None:
            raise UsageError(f"instrument.{key}: {reason}, was {getattr(section, key)!r}")


def _currencies(config: BacktestConfig, symbol: str) -> tuple[Currency, Currency]:
    base, slash, quote = symbol.partition("/")
    if not slash and len(symbol) == _PAIR_LENGTH and config.instrument_type == "currency_pair":
        base, quote = symbol[:3], symbol[3:]
    base = config.instrument.base_currency or (base if quote else "")
    quote = config.instrument.quote_currency or quote
    if not base or not quote:
        raise UsageError(
            f"instrument.base_currency and instrument.quote_currency: {symbol!r} does not tell"
            " them; write them, or the symbol as BASE/QUOTE"
        )
    return _currency(base, config), _currency(quote, config)


def _currency(code: str, config: BacktestConfig) -> Currency:
    # NautilusTrader takes any unknown code for a crypto-currency.
    if Currency.from_internal_map(code) is None and config.instrument_type != "crypto":
        raise UsageError(f"no currency {code!r}{did_you_mean(code, _currency_codes())}")
    return Currency.from_str(code)


def _currency_codes() -> list[str]:
    return [name for name, value in vars(currencies).items() if isinstance(value, Currency)]


def _tick(section: InstrumentConfig, price_decimals: Callable[[], int]) -> Price:
    tick, precision = section.tick_size, section.price_precision
    if tick is None:
        precision = price_decimals() if precision is None else precision
        return Price(Decimal(1).scaleb(-precision), precision)
    if precision is None:
        precision = _decimal_places(tick)
    if _decimal_places(tick) > precision:
        raise UsageError(
            f"instrument.tick_size: {tick} has more decimals than price_precision {precision}"
        )
    return Price(tick, precision)


def _size_precision(config: BacktestConfig) -> int:
    section = config.instrument
    if section.size_precision is not None:
        return section.size_precision
    if section.lot_size is not None:
        return _decimal_places(section.lot_size)
    return _CRYPTO_DECIMALS if config.instrument_type == "crypto" else 0


def _lot(section: InstrumentConfig, size_precision: int) -> Quantity | None:
    lot = section.lot_size
    if lot is None:
        return None
    if _decimal_places(lot) > size_precision:
        raise UsageError(
            f"instrument.lot_size: {lot} has more decimals than the size's {size_precision}"
        )
    return Quantity(lot, size_precision)


def _decimal_places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
