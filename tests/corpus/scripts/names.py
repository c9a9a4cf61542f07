"""A prediction market and a strategy, whose words for things are those of secrets elsewhere."""

from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.instruments import BinaryOption
from nautilus_trader.model.objects import Money
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

from tests.corpus.market import DAY, engine, told

plain = TestInstrumentProvider.binary_option().to_dict(TestInstrumentProvider.binary_option())
tokens = [{"token_id": "7157", "outcome": "Yes", "winner": True}, {"token_id": "5211", "winner": 0}]
option = BinaryOption.from_dict(plain | {"info": {"tokens": tokens, "base_token": "USDC"}})
day = option.activation_ns + DAY


class GuesserConfig(StrategyConfig, frozen=True):
    base_token: str = "USDC"
    token_bucket_rate: int = 10
    secret_sauce_period: int = 3
    key_level: float = 0.4


class Guesser(Strategy):
    def on_start(self) -> None:
        self.subscribe_quote_ticks(option.id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        if tick.ask_price <= self.config.key_level and self.portfolio.is_flat(option.id):
            size = option.make_qty(self.config.token_bucket_rate)
            self.submit_order(self.order_factory.market(option.id, OrderSide.BUY, size))


made = engine(
    option,
    venue={"base_currency": None, "starting_balances": [Money(1_000, option.quote_currency)]},
)
for n, price in enumerate([0.5, 0.38, 0.42, 0.61]):
    bid, ask, size = option.make_price(price - 0.01), option.make_price(price), option.make_qty(50)
    made.add_data([QuoteTick(option.id, bid, ask, size, size, day + n * DAY, day + n * DAY)])
made.add_strategy(Guesser(GuesserConfig()))
made.run()
told(made)
