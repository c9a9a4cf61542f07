"""The trades of a run on 2.0, also those of which its engine keeps no position."""

from decimal import Decimal
from itertools import pairwise

import pytest
from nautilus_trader.execution import FixedFeeModel
from nautilus_trader.model import Bar, Money, OmsType, OrderSide

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
