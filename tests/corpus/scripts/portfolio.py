"""What the portfolio and the account say while a position is open, and how orders end."""

from datetime import timedelta

from nautilus_trader.model.data import Bar
from nautilus_trader.model.enums import OrderSide, TimeInForce
from nautilus_trader.model.events import OrderFilled, PositionOpened
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from tests.corpus.market import PAIR, bars, engine, minute_bars, told


class Holder(Strategy):
    def on_start(self) -> None:
        self.bars = 0
        self.subscribe_bars(minute_bars())

    def on_bar(self, bar: Bar) -> None:
        self.bars += 1
        make, size = self.order_factory, Quantity.from_int(20_000)
        below = Price(bar.low.as_double() * 0.99, 5)
        if self.bars == 10:
            self.submit_order(make.market(PAIR.id, OrderSide.BUY, size))
        if self.bars == 20:
            late = self.clock.utc_now() + timedelta(minutes=5)
            ends = {"time_in_force": TimeInForce.GTD, "expire_time": late}
            self.submit_order(make.limit(PAIR.id, OrderSide.BUY, size, below, **ends))
            self.limit = make.limit(PAIR.id, OrderSide.BUY, size, below)
            self.submit_order(self.limit)
        if self.bars == 22:
            self.modify_order(self.limit, quantity=Quantity.from_int(10_000))
        if self.bars == 24:
            self.cancel_order(self.limit)
            self.submit_order(make.limit(PAIR.id, OrderSide.SELL, size, below, post_only=True))
        if self.bars % 100 == 50:
            told = self.portfolio
            print(
                told.unrealized_pnl(PAIR.id), told.realized_pnl(PAIR.id), told.net_position(PAIR.id)
            )
            print(told.balances_locked(PAIR.venue), told.margins_init(PAIR.venue))
        if self.bars == 300:
            self.close_all_positions(PAIR.id)

    def on_order_filled(self, event: OrderFilled) -> None:
        print("filled", event.last_qty, event.last_px, event.commission)

    def on_position_opened(self, event: PositionOpened) -> None:
        print("opened", event.quantity)

    def on_order_rejected(self, event: object) -> None:
        print("rejected")


made = engine(log_level="WARNING")
made.add_data(bars())
made.add_strategy(Holder())
made.run()
told(made)
