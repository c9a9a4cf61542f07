"""Bars made of quotes, an account of two currencies, chance in the fills, interest overnight."""

from nautilus_trader.backtest import FXRolloverInterestModule, InterestRateRecord
from nautilus_trader.execution import ProbabilisticFillModel
from nautilus_trader.model import Currency, Money, OmsType

from tests.nautilus2.corpus.market import DOLLAR_YEN, USD, Cross, CrossConfig, engine, quotes, told

rates = [InterestRateRecord(p, "2024-02", v) for p, v in (("USA", 5.33), ("JPN", -0.1))]
made = engine(
    [DOLLAR_YEN],
    oms_type=OmsType.HEDGING,
    base_currency=None,
    starting_balances=[Money(1_000_000, USD), Money(10_000_000, Currency.from_str("JPY"))],
    fill_model=ProbabilisticFillModel(prob_fill_on_limit=0.2, prob_slippage=0.5, random_seed=42),
    modules=[FXRolloverInterestModule(records=rates)],
)
made.add_data(quotes(DOLLAR_YEN, 4_000, middle=92))
kind = f"{DOLLAR_YEN.id}-5-MINUTE-BID-INTERNAL"
made.add_strategy(
    Cross(CrossConfig(instrument_id=DOLLAR_YEN.id, bar_type=kind, trade_size=100_000))
)
made.run()
for report in (made.generate_order_fills_report, made.generate_positions_report):
    print(len(report()))
told(made.cache, made.portfolio, made.list_venues())
made.dispose()
