"""Coins by trades: an account of several currencies, orders that are cut into pieces over time."""

from decimal import Decimal

from nautilus_trader.examples.algorithms.twap import TWAPExecAlgorithm
from nautilus_trader.examples.strategies.ema_cross_twap import EMACrossTWAP, EMACrossTWAPConfig
from nautilus_trader.model.currencies import ETH, USDT
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType
from nautilus_trader.model.objects import Money

from tests.corpus.market import COIN, engine, told, trades

venue = {
    "account_type": AccountType.CASH,
    "base_currency": None,
    "starting_balances": [Money(1_000_000, USDT), Money(10, ETH)],
    "default_leverage": Decimal(1),
}
made = engine(COIN, venue=venue)
made.add_data(trades(3_000))
made.add_strategy(
    EMACrossTWAP(
        EMACrossTWAPConfig(
            instrument_id=COIN.id,
            bar_type=BarType.from_str(f"{COIN.id}-250-TICK-LAST-INTERNAL"),
            trade_size=Decimal("0.5"),
            fast_ema_period=2,
            slow_ema_period=4,
            twap_horizon_secs=20.0,
            twap_interval_secs=5.0,
        )
    )
)
made.add_exec_algorithm(TWAPExecAlgorithm())
made.run()
told(made)
