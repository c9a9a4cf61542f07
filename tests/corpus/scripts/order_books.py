"""A market maker on bars, and a strategy that takes what an order book offers."""

from decimal import Decimal

from nautilus_trader.examples.strategies.orderbook_imbalance import (
    OrderBookImbalance,
    OrderBookImbalanceConfig,
)
from nautilus_trader.examples.strategies.volatility_market_maker import (
    VolatilityMarketMaker,
    VolatilityMarketMakerConfig,
)
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.enums import BookType
from nautilus_trader.model.objects import Money

from tests.corpus.market import COIN, PAIR, bars, book, engine, minute_bars, quotes, told

venue = {
    "base_currency": None,
    "starting_balances": [Money(1_000_000, USDT)],
    "book_type": BookType.L2_MBP,
}
made = engine(COIN, venue=venue)
made.add_data(book())
made.add_strategy(
    OrderBookImbalance(
        OrderBookImbalanceConfig(
            instrument_id=COIN.id, max_trade_size=Decimal(2), trigger_min_size=1.0
        )
    )
)
made.run()
told(made)
made = engine()
made.add_data(quotes(2_400))
made.add_data(bars())
made.add_strategy(
    VolatilityMarketMaker(
        VolatilityMarketMakerConfig(
            instrument_id=PAIR.id,
            bar_type=minute_bars(),
            atr_period=10,
            atr_multiple=1.5,
            trade_size=Decimal(50_000),
            emulation_trigger="NO_TRIGGER",
        )
    )
)
made.run()
told(made)
