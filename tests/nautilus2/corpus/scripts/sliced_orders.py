"""Trades, an account in cash, orders that a native algorithm slices, and a reset for another run."""

from decimal import Decimal

from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import AccountType, ExecAlgorithmId, Money
from nautilus_trader.trading import ExecutionAlgorithmConfig

from tests.nautilus2.corpus.market import COIN, Cross, CrossConfig, engine, told, trades

algorithm = ExecAlgorithmId("TWAP")
made = engine(
    [COIN],
    account_type=AccountType.CASH,
    base_currency=None,
    starting_balances=[Money.from_str("1_000_000 USDT"), Money.from_str("10 BTC")],
    default_leverage=None,
    fee_model=MakerTakerFeeModel(Decimal("0.001"), Decimal("0.001")),
)
made.add_data(trades(COIN))
given = {"instrument_id": COIN.id, "bar_type": f"{COIN.id}-25-TICK-LAST-INTERNAL"}
made.add_strategy(Cross(CrossConfig(**given, trade_size="0.10", algorithm=algorithm)))
made.add_native_exec_algorithm(
    "TwapAlgorithm", ExecutionAlgorithmConfig(exec_algorithm_id=algorithm)
)
made.run()
told(made.cache, made.portfolio, made.list_venues())
made.reset()
made.run()
told(made.cache, made.portfolio, made.list_venues())
made.dispose()
