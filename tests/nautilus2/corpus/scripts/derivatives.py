"""A future with a multiplier, an option and a perpetual, on two venues, of bars and of trades."""

from decimal import Decimal

from nautilus_trader.model import (
    AssetClass,
    CryptoPerpetual,
    Currency,
    FuturesContract,
    InstrumentId,
    OptionContract,
    OptionKind,
    Price,
    Quantity,
    Symbol,
)

from tests.nautilus2.backtests import MINUTE, bars_of
from tests.nautilus2.corpus.market import (
    START,
    USD,
    Cross,
    CrossConfig,
    engine,
    moments,
    told,
    trades,
)

END = START + 400 * 86_400 * 10**9
contract = {
    "underlying": "ES",
    "asset_class": AssetClass.INDEX,
    "activation_ns": 0,
    "expiration_ns": END,
    "currency": USD,
    "price_precision": 2,
    "price_increment": Price.from_str("0.25"),
    "lot_size": Quantity.from_int(1),
    "ts_event": 0,
    "ts_init": 0,
}
future = FuturesContract(
    instrument_id=InstrumentId.from_str("ESH4.GLBX"),
    raw_symbol=Symbol("ESH4"),
    multiplier=Quantity.from_int(50),
    **contract,
)
option = OptionContract(
    instrument_id=InstrumentId.from_str("ESH4C5000.GLBX"),
    raw_symbol=Symbol("ESH4C5000"),
    multiplier=Quantity.from_int(50),
    option_kind=OptionKind.CALL,
    strike_price=Price.from_str("5000.00"),
    **contract,
)
perpetual = CryptoPerpetual(
    instrument_id=InstrumentId.from_str("ETHUSD-PERP.BINANCE"),
    raw_symbol=Symbol("ETHUSD"),
    base_currency=Currency.from_str("ETH"),
    quote_currency=USD,
    settlement_currency=USD,
    is_inverse=False,
    price_precision=2,
    size_precision=3,
    price_increment=Price.from_str("0.01"),
    size_increment=Quantity.from_str("0.001"),
    ts_event=0,
    ts_init=0,
    margin_init=Decimal("0.05"),
    margin_maint=Decimal("0.03"),
)
made = engine([future, option, perpetual])
for tag, instrument, middle in (("F", future, 5_000), ("O", option, 80)):
    prices = [round(price * 4) / 4 for _, price in moments(3_000, 1, middle)]
    bars = bars_of(instrument, prices, MINUTE)
    made.add_data(bars)
    given = {"instrument_id": instrument.id, "bar_type": bars[0].bar_type, "trade_size": 2}
    made.add_strategy(Cross(CrossConfig(**given, order_id_tag=tag)))
made.add_data(trades(perpetual, 3_000))
given = {"instrument_id": perpetual.id, "bar_type": f"{perpetual.id}-5-MINUTE-LAST-INTERNAL"}
made.add_strategy(Cross(CrossConfig(**given, trade_size=3, order_id_tag="P")))
made.run()
told(made.cache, made.portfolio, made.list_venues())
made.dispose()
