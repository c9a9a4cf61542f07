"""A perpetual that settles in its own coin, bought at once on margin, which the venue sells again."""

from decimal import Decimal

from nautilus_trader.model import (
    CryptoPerpetual,
    Currency,
    InstrumentId,
    Money,
    OrderSide,
    Price,
    Quantity,
    Symbol,
)

from tests.nautilus2.corpus.market import USD, Cross, CrossConfig, engine, quotes, told

coin = Currency.from_str("BTC")
perpetual = CryptoPerpetual(
    instrument_id=InstrumentId.from_str("XBTUSD.BITMEX"),
    raw_symbol=Symbol("XBTUSD"),
    base_currency=coin,
    quote_currency=USD,
    settlement_currency=coin,
    is_inverse=True,
    price_precision=1,
    size_precision=0,
    price_increment=Price.from_str("0.1"),
    size_increment=Quantity.from_int(1),
    ts_event=0,
    ts_init=0,
    margin_init=Decimal("0.01"),
    margin_maint=Decimal("0.005"),
)


class BuysAtOnce(Cross):
    is_done = False

    def on_start(self):
        self.subscribe_quotes(perpetual.id)

    def on_quote(self, _):
        if not self.is_done:
            self.is_done = True
            self.order(OrderSide.BUY)

    def on_stop(self):
        pass


made = engine(
    [perpetual],
    base_currency=coin,
    starting_balances=[Money(1, coin)],
    default_leverage=Decimal(100),
    liquidation_enabled=True,
    liquidation_trigger_ratio=1.0,
)
half = quotes(perpetual, 200, middle=20_000)
later = quotes(perpetual, 400, middle=8_000)[200:]
made.add_data([*half, *later])
given = {"instrument_id": perpetual.id, "bar_type": f"{perpetual.id}-1-MINUTE-MID-INTERNAL"}
made.add_strategy(BuysAtOnce(CrossConfig(**given, trade_size=200_000)))
made.run()
told(made.cache, made.portfolio, made.list_venues())
made.dispose()
