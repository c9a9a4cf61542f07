"""A compiled module that reaches into the engine's own classes, and an option that expires."""

from nautilus_trader.backtest import modules
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

from tests.corpus.market import DAY, engine, told

try:
    from nautilus_trader.backtest.option_exercise import (
        OptionExerciseConfig,
        OptionExerciseModule,
    )
except ImportError:  # later engines exercise options themselves
    exercise: list[modules.SimulationModule] = []
else:
    exercise = [OptionExerciseModule(OptionExerciseConfig())]

option = TestInstrumentProvider.aapl_option()
first = option.expiration_ns - 5 * DAY


class Buyer(Strategy):
    def on_start(self) -> None:
        self.subscribe_quote_ticks(option.id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        if tick.ts_event == first:
            self.submit_order(
                self.order_factory.market(option.id, OrderSide.BUY, option.make_qty(3))
            )


made = engine(option, venue={"modules": exercise})
made.add_data(
    [
        QuoteTick(
            option.id,
            option.make_price(5 + n / 4),
            option.make_price(5.5 + n / 4),
            option.make_qty(10),
            option.make_qty(10),
            first + n * DAY,
            first + n * DAY,
        )
        for n in range(8)
    ]
)
made.add_strategy(Buyer())
made.run()
told(made)
