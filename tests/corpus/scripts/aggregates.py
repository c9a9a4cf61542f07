"""Bars made of other bars, an indicator on an indicator, and the bars that the cache keeps."""

from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import OrderSide, PriceType
from nautilus_trader.trading.strategy import Strategy

from tests.corpus.market import PAIR, bars, engine, minute_bars, told

try:
    from nautilus_trader.indicators import ExponentialMovingAverage, SimpleMovingAverage
except ImportError:
    from nautilus_trader.indicators.averages import ExponentialMovingAverage, SimpleMovingAverage


class CascadeConfig(StrategyConfig, frozen=True):
    bar_type: BarType
    period: int = 10


class Cascade(Strategy):
    def __init__(self, config: CascadeConfig) -> None:
        super().__init__(config)
        self.fast = ExponentialMovingAverage(config.period, PriceType.LAST)
        self.slow = SimpleMovingAverage(20)
        self.fives = BarType.from_str(f"{PAIR.id}-5-MINUTE-LAST-INTERNAL")

    def on_start(self) -> None:
        self.register_indicator_for_bars(self.config.bar_type, self.fast)
        self.subscribe_bars(self.config.bar_type)
        self.subscribe_bars(BarType.from_str(f"{self.fives}@1-MINUTE-EXTERNAL"))
        self.cache.add("note", b"kept")

    def on_bar(self, bar: Bar) -> None:
        if bar.bar_type == self.fives:
            return
        if self.fast.initialized:
            self.slow.update_raw(self.fast.value)
        if self.slow.initialized and self.portfolio.is_flat(PAIR.id) == (
            self.fast.value > self.slow.value
        ):
            side = OrderSide.BUY if self.portfolio.is_flat(PAIR.id) else OrderSide.SELL
            self.submit_order(self.order_factory.market(PAIR.id, side, PAIR.make_qty(50_000)))

    def on_stop(self) -> None:
        print(self.cache.bar_count(self.fives), self.cache.bar(self.fives, 1))
        print(self.cache.get("note"), self.cache.orders_total_count(), self.slow.value)


made = engine()
made.add_data(bars())
made.add_strategy(Cascade(CascadeConfig(bar_type=minute_bars())))
made.run()
told(made)
