"""At which exchange rates a run on 2.0 is valued: at those of 1.x."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import (
    AccountType,
    Bar,
    CryptoPerpetual,
    Currency,
    InstrumentId,
    Money,
    OmsType,
    Price,
    Quantity,
)

from backtest_store.models import Record
from tests.nautilus2.backtests import AUD, QUIET, USD, bars_of, pair
from tests.nautilus2.test_recording import recorded

EUR, GBP = Currency.from_str("EUR"), Currency.from_str("GBP")
LEVELS = ("open", "high", "low", "close", "volume", "ts_event", "ts_init")


def of_side(bars: Sequence[Bar], side: str) -> list[Bar]:
    """Bars as they are, but of one side of the book."""
    kind = type(bars[0].bar_type)
    named = kind.from_str(str(bars[0].bar_type).replace("LAST", side))
    return [Bar(named, *(getattr(bar, level) for level in LEVELS)) for bar in bars]


def held(instruments: Sequence[Any], data: Sequence[Sequence[Bar]]) -> Record:
    """A run that does nothing but hold dollars of both kinds."""
    made = BacktestEngine(BacktestEngineConfig(logging=QUIET))
    made.add_venue(
        instruments[0].id.venue,
        OmsType.NETTING,
        AccountType.MARGIN,
        [Money(100_000, USD), Money(100_000, AUD)],
        fee_model=MakerTakerFeeModel(0, 0),
    )
    for instrument in instruments:
        made.add_instrument(instrument)
    for bars in data:
        made.add_data(bars)
    return recorded(made)


def perpetual_of(base: Currency, name: str, *, is_inverse: bool = False) -> CryptoPerpetual:
    """A perpetual on a currency in dollars."""
    instrument_id = InstrumentId.from_str(name)
    return CryptoPerpetual(
        instrument_id=instrument_id,
        raw_symbol=instrument_id.symbol,
        base_currency=base,
        quote_currency=USD,
        settlement_currency=base if is_inverse else USD,
        is_inverse=is_inverse,
        price_precision=5,
        size_precision=0,
        price_increment=Price(1e-5, 5),
        size_increment=Quantity.from_int(1),
        ts_event=0,
        ts_init=0,
    )


def test_a_rate_is_between_the_sides_of_its_market(store: str) -> None:
    market = pair("AUD/USD", AUD, USD)
    bids, asks = of_side(bars_of(market, [0.64, 0.68]), "BID"), bars_of(market, [0.66, 0.70])
    saved = held([market], [bids, of_side(asks, "ASK")])
    assert (saved.initial_capital, saved.net_profit) == (Decimal(164_000), Decimal(5_000))


def test_a_spot_pair_is_a_better_witness_than_a_perpetual(store: str) -> None:
    spot = pair("AUD/USD", AUD, USD)
    perpetual = perpetual_of(AUD, "AUD/USD-PERP.SIM")
    data = [bars_of(spot, [0.6, 0.7]), bars_of(perpetual, [0.5, 0.4])]
    assert held([spot, perpetual], data).net_profit == Decimal(10_000)


def test_a_rate_is_found_over_three_pairs(store: str) -> None:
    pairs = [pair("AUD/EUR", AUD, EUR), pair("EUR/GBP", EUR, GBP), pair("GBP/USD", GBP, USD)]
    prices = ([0.5, 0.5], [0.8, 0.8], [1.25, 1.5])
    data = [bars_of(one, closes) for one, closes in zip(pairs, prices, strict=True)]
    assert held(pairs, data).net_profit == Decimal(10_000)


def test_the_currency_of_a_run_is_the_one_that_most_instruments_settle_in(store: str) -> None:
    inverse, market = perpetual_of(AUD, "AUDUSD.SIM", is_inverse=True), pair("AUD/USD", AUD, USD)
    assert held([inverse], [bars_of(inverse, [0.6])]).currency == "AUD"
    assert held([market], [bars_of(market, [0.6])]).currency == "USD"
