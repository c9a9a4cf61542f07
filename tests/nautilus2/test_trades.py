"""The trades of a run on 2.0, also those of which its engine keeps no position."""

from decimal import Decimal
from itertools import pairwise

import pytest
from nautilus_trader.execution import FixedFeeModel
from nautilus_trader.model import Bar, Money, OmsType, OrderSide, PositionId

from tests.nautilus2.backtests import USD, Scripted, backtest
from tests.nautilus2.test_recording import recorded


class Turning(Scripted):
    """Opens a position by a limit order, so that the venue names it, and turns it around."""

    def on_bar(self, bar: Bar) -> None:
        """Buy 10 at 99, sell 20 of that position, and buy 10 of it back."""
        asset, self.bars = self.cache.instrument(bar.bar_type.instrument_id), self.bars + 1
        size = {1: 10, 4: -20, 6: 10}.get(self.bars, 0)
        if not size:
            return
        said = {
            "instrument_id": asset.id,
            "order_side": OrderSide.BUY if size > 0 else OrderSide.SELL,
            "quantity": asset.make_qty(float(abs(size))),
        }
        if self.bars == 1:
            self.submit_order(self.order_factory.limit(**said, price=asset.make_price(99.0)))
        else:
            (held,) = self.cache.positions_open()
            self.submit_order(self.order_factory.market(**said), position_id=held.id)


def test_a_position_that_its_venue_named_counts_before_and_after_it_turned(store: str) -> None:
    prices, fee = [100, 99, 104, 102, 101, 98], FixedFeeModel(Money(1, USD))
    made = backtest(prices, oms_type=OmsType.HEDGING, fee_model=fee, strategy_class=Turning)
    saved = recorded(made)
    assert len(made.cache.positions()) == 1  # of the two that there were
    assert not made.cache.position_snapshots()
    # Bought at 99, sold at 102, and with that sold short at 102, bought at 98; a dollar a fill.
    levels = [100_000, 100_000, 99_999, 100_049, 100_028, 100_038, 100_067]
    returns = [after / before - 1 for before, after in pairwise(levels)]
    assert saved.period_returns == pytest.approx(returns, abs=1e-9)
    assert (saved.total_trades, saved.winning_trades) == (2, 2)
    assert (saved.net_profit, saved.total_fees) == (Decimal(67), Decimal(3))
    assert saved.expectancy == Decimal("33.5")
    assert not [w for w in saved.warnings or () if "accounted for" in w]


class TurningWithinAMoment(Scripted):
    """Has two orders at different prices filled by one bar, the later one first."""

    def on_bar(self, bar: Bar) -> None:
        """Buy 10 at 99, sell 10 at 104 and at 102, buy 20 back, all of one position."""
        asset, self.bars = self.cache.instrument(bar.bar_type.instrument_id), self.bars + 1
        for price, size in {1: [(99.0, 10)], 3: [(104.0, -10), (102.0, -10)]}.get(self.bars, []):
            order = self.order_factory.limit(
                instrument_id=asset.id,
                order_side=OrderSide.BUY if size > 0 else OrderSide.SELL,
                quantity=asset.make_qty(float(abs(size))),
                price=asset.make_price(price),
            )
            self.submit_order(order, position_id=PositionId("OWN"))
        if self.bars == 5:
            order = self.order_factory.market(
                instrument_id=asset.id,
                order_side=OrderSide.BUY,
                quantity=asset.make_qty(20.0),
            )
            self.submit_order(order, position_id=PositionId("OWN"))


def test_fills_of_one_moment_count_in_the_order_in_which_they_happened(store: str) -> None:
    prices = [100, 99, 99, 105, 103, 103]
    made = backtest(prices, oms_type=OmsType.HEDGING, strategy_class=TurningWithinAMoment)
    saved = recorded(made)
    assert (saved.net_profit, saved.total_trades) == (Decimal(40), 2)
    # Bought at 99, sold at 102; sold short at 104, bought at 103. The other way, the second loses.
    assert (saved.winning_trades, saved.avg_win) == (2, Decimal(20))
