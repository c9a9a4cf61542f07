"""Runs that end strangely, each saved as what it was: what is not known is NULL."""

from contextlib import nullcontext
from datetime import timedelta
from decimal import Decimal

import pandas as pd
import pytest
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import FixedFeeModel
from nautilus_trader.backtest.modules import FXRolloverInterestConfig, FXRolloverInterestModule
from nautilus_trader.model.currencies import AUD, BTC, ETH, EUR, JPY, USD, USDT
from nautilus_trader.model.enums import AccountType
from nautilus_trader.model.objects import Money

from backtest_store import record, save_run
from tests.capture.backtests import MINUTE, START, backtest, bars, engine, pair, scripted, share
from tests.capture.stores import only

CLOSES = [100, 110, 120, 115, 110, 130]


def test_engine_without_data(store: str) -> None:
    made = engine(share())
    made.add_strategy(scripted(share(), {0: 10}))
    with record(made):
        made.run()
    saved = only(store)
    assert saved["status"] == "success"
    assert saved["instrument_ids"] == ["ACME.XNAS"]
    assert (saved["start_date"], saved["end_date"]) == (None, None)
    assert (saved["data_source"], saved["data_fingerprint"]) == (None, None)
    assert saved["initial_capital"] == 10_000
    assert (saved["total_trades"], saved["returns_count"]) == (0, 0)
    assert saved["total_return"] is None
    assert any("no day with market data" in warning for warning in saved["warnings"])


def test_engine_without_anything(store: str) -> None:
    made = engine()
    with record(made):
        made.run()
    saved = only(store)
    assert (saved["status"], saved["strategy_name"]) == ("success", "no strategy")
    assert (saved["initial_capital"], saved["currency"]) == (None, None)
    assert (saved["final_balance"], saved["total_fees"]) == (None, None)
    assert saved["parameters"] == {}


def test_strategy_that_never_trades(store: str) -> None:
    made = backtest(CLOSES)
    with record(made):
        made.run()
    saved = only(store)
    assert (saved["total_trades"], saved["net_profit"], saved["total_return"]) == (0, 0, 0)
    assert (saved["win_rate"], saved["sharpe_ratio"]) == (None, None)
    assert saved["final_balance"] == 10_000
    assert saved["equity_basis"] == "mark_to_market"


def test_account_that_goes_bust(store: str) -> None:
    # 90 shares bought at 100 with 1000; they lose 99 each.
    made = backtest(
        [100, 50, 1, 60], {0: 90, 2: -90, 3: 10}, balances=[Money(1_000, USD)], leverage=20
    )
    with record(made):
        made.run()
    saved = only(store)
    assert saved["status"] == "success"
    assert saved["net_profit"] == pytest.approx(-90 * 99)
    assert saved["total_return"] < -1
    assert (saved["cagr"], saved["losing_trades"]) == (None, 1)


def test_run_that_the_engine_ended_early_says_so(store: str) -> None:
    # A cash account that pays a fee it does not have stops the engine.
    made = backtest(
        [100, 110, 120, 130],
        {0: 10, 1: -10},
        account_type=AccountType.CASH,
        balances=[Money(1_001, USD)],
        fee_model=FixedFeeModel(Money(600, USD), charge_commission_once=False),
    )
    with record(made):
        made.run()
    saved = only(store)
    assert (saved["status"], saved["error_type"]) == ("stopped", "AccountBalanceNegative")
    assert saved["error_message"] == (
        "at 2024-01-01T00:00:00+00:00: Stopping backtest from"
        " AccountBalanceNegative(balance=-599, currency=USD)"
    )
    assert saved["end_date"] < "2024-01-04"
    assert saved["total_trades"] == 0


def test_two_strategies_on_three_instruments(store: str) -> None:
    one, two, three = share("ONE"), share("TWO"), share("THREE")
    made = engine(one, two, three)
    for instrument in (one, two, three):
        made.add_data(bars(instrument, CLOSES))
    made.add_strategy(scripted(one, {0: 10, 2: -10}, order_id_tag="A"))
    made.add_strategy(scripted(two, {0: -10, 2: 10}, order_id_tag="B"))
    with record(made):
        made.run()
    saved = only(store)
    assert saved["instrument_ids"] == ["ONE.XNAS", "THREE.XNAS", "TWO.XNAS"]
    assert saved["strategy_name"] == "Scripted"
    assert set(saved["parameters"]) == {"Scripted-A", "Scripted-B"}
    assert saved["parameters"]["Scripted-B"]["instrument_id"] == "TWO.XNAS"
    assert (saved["winning_trades"], saved["losing_trades"]) == (1, 1)
    assert saved["net_profit"] == 0
    strategies = saved["config_snapshot"]["engine"]["strategies"]
    assert len(strategies) == 2
    assert "strategy_path" not in saved["config_snapshot"]


def test_cash_account_in_crypto(store: str) -> None:
    made = backtest(
        [20_000, 21_000, 22_000, 21_000],
        {0: "0.1", 2: "-0.1"},
        instrument=pair("BTCUSDT", BTC, USDT, fee="0.001"),
        account_type=AccountType.CASH,
        base_currency=None,
        balances=[Money(10_000, USDT)],
    )
    with record(made):
        made.run()
    saved = only(store)
    assert (saved["currency"], saved["initial_capital"]) == ("USDT", 10_000)
    # Bought for 2000 and sold for 2200, with fees of 2 and 2.2.
    assert saved["net_profit"] == pytest.approx(195.8)
    assert saved["total_fees"] == pytest.approx(4.2)
    assert saved["avg_win"] == pytest.approx(195.8)
    assert saved["total_trades"] == 1


def test_capital_in_several_currencies_is_valued_at_the_first_prices(store: str) -> None:
    made = backtest(
        [20_000, 25_000],
        instrument=pair("BTCUSDT", BTC, USDT),
        account_type=AccountType.CASH,
        base_currency=None,
        balances=[Money(1, BTC), Money(10_000, USDT)],
    )
    with record(made):
        made.run()
    saved = only(store)
    assert (saved["currency"], saved["initial_capital"]) == ("USDT", 30_000)
    assert saved["net_profit"] == 5_000


def test_capital_that_nothing_converts_is_not_made_up(store: str) -> None:
    made = backtest(
        [20_000, 25_000],
        instrument=pair("BTCUSDT", BTC, USDT),
        account_type=AccountType.CASH,
        base_currency=None,
        balances=[Money(1, ETH), Money(10_000, USDT)],
    )
    with record(made):
        made.run()
    saved = only(store)
    assert (saved["currency"], saved["initial_capital"]) == ("USDT", None)
    assert (saved["net_profit"], saved["total_return"]) == (None, None)
    assert saved["equity_basis"] == "balance"
    assert any("no exchange rate from ETH to USDT" in warning for warning in saved["warnings"])


def test_profit_that_nothing_converts_leaves_the_balance(store: str) -> None:
    made = backtest([150, 160, 170], {0: 1_000}, instrument=pair("EUR/JPY", EUR, JPY))
    with record(made):
        made.run()
    saved = only(store)
    assert (saved["equity_basis"], saved["net_profit"]) == ("balance", 0)
    assert saved["warnings"][0] == (
        "equity is the account's balance: no exchange rate from JPY to USD on 2024-01-01"
    )


def test_trade_that_nothing_converts_counts_but_earned_nobody_knows_what(store: str) -> None:
    orders = {0: 1_000, 1: -1_000, 2: 1_000, 3: -1_000, 4: 1_000, 5: -1_000}
    made = backtest([150, 160, 170, 165, 165, 165], orders, instrument=pair("EUR/JPY", EUR, JPY))
    with record(made):
        made.run()
    saved = only(store)
    assert (saved["total_trades"], saved["winning_trades"]) == (3, 1)
    assert (saved["losing_trades"], saved["breakeven_trades"]) == (1, 1)
    assert saved["win_rate"] == pytest.approx(1 / 3)
    assert (saved["expectancy"], saved["profit_factor"], saved["avg_win"]) == (None, None, None)
    assert any("avg_loss: undefined, no exchange rate from JPY" in w for w in saved["warnings"])


def test_trade_in_another_currency_is_converted(store: str) -> None:
    eurjpy, usdjpy = pair("EUR/JPY", EUR, JPY), pair("USD/JPY", USD, JPY)
    made = engine(eurjpy, usdjpy)
    made.add_data(bars(usdjpy, [100, 100, 100]))
    made.add_data(bars(eurjpy, [150, 160, 170], start=START + timedelta(hours=6)))
    made.add_strategy(scripted(eurjpy, {0: 1_000, 1: -1_000}))
    with record(made):
        made.run()
    assert only(store)["avg_win"] == 100


def test_unwatched_spot_account_is_converted_at_each_days_price(store: str) -> None:
    made = backtest(
        [20_000, 10_000, 22_000],
        {0: "0.1"},
        instrument=pair("BTCUSDT", BTC, USDT),
        account_type=AccountType.CASH,
        base_currency=None,
        balances=[Money(10_000, USDT)],
    )
    made.run()
    save_run(made)
    saved = only(store)
    assert (saved["equity_basis"], saved["net_profit"]) == ("balance", 200)
    # What was bought is in the balances, and each day has its own price.
    assert saved["max_drawdown"] == -0.1


class Secretive(FixedFeeModel):  # type: ignore[misc]
    """A fee model that does not want to be looked at."""

    @property
    def schedule(self) -> str:
        """Refuse to answer."""
        raise RuntimeError("none of your business")


def test_part_that_cannot_be_described_costs_that_part_alone(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = backtest(CLOSES, {0: 10, 2: -10}, fee_model=Secretive(Money(3, USD)))
    with record(made):
        made.run()
    saved = only(store)
    assert (saved["status"], saved["net_profit"], saved["total_fees"]) == ("success", 194, 6)
    assert saved["config_snapshot"] == {}
    assert capsys.readouterr().err == (
        "btstore: warning: could not describe the engine: RuntimeError: none of your business\n"
    )


def test_characters_that_postgresql_refuses_do_not_cost_the_run(store: str) -> None:
    odd = "a\x00b\ud800c"
    recording = record(
        backtest(CLOSES),
        strategy_name=odd,
        strategy_type=odd,
        tags=[odd],
        note=odd,
        data_source=odd,
        parameters={odd: [odd]},
        config_snapshot={odd: odd},
        command_line=odd,
    )
    with pytest.raises(ValueError, match="a\x00b"), recording:
        raise ValueError(odd)
    saved = only(store)
    seen = "a\ufffdb\ufffdc"
    assert (saved["error_message"], saved["note"], saved["tags"]) == (seen, seen, [seen])
    assert seen in saved["error_traceback"]
    assert (saved["strategy_name"], saved["strategy_type"]) == (seen, seen)
    assert (saved["parameters"], saved["config_snapshot"]) == ({seen: [seen]}, {seen: seen})
    assert (saved["data_source"], saved["provenance"]["command_line"]) == (seen, seen)


def test_flat_trade_is_neither_won_nor_lost(store: str) -> None:
    made = backtest([100, 100, 100], {0: 10, 1: -10})
    with record(made):
        made.run()
    saved = only(store)
    assert (saved["total_trades"], saved["breakeven_trades"]) == (1, 1)


def test_account_in_another_currency(store: str) -> None:
    made = backtest(
        [1.0, 1.1, 1.1],
        {0: 1_000, 1: -1_000},
        instrument=pair("AUD/USD", AUD, USD),
        base_currency=USD,
        balances=[Money(Decimal("10000.50"), USD)],
    )
    with record(made):
        made.run()
    saved = only(store)
    assert saved["initial_capital"] == 10_000.5
    assert saved["net_profit"] == pytest.approx(100)


def interest_on_yen() -> BacktestEngine:
    """A position that pays interest overnight in one of its account's two currencies."""
    rates = pd.DataFrame({"LOCATION": ["JPN", "USA"], "TIME": ["2024-01"] * 2, "Value": [0, 5]})
    return backtest(
        [100] * 1_500,
        {0: 10_000},
        instrument=pair("USD/JPY", USD, JPY),
        step=MINUTE,
        base_currency=None,
        balances=[Money(100_000, USD), Money(1_000_000, JPY)],
        modules=[FXRolloverInterestModule(FXRolloverInterestConfig(rates))],
    )


@pytest.mark.parametrize("is_watched", [True, False])
def test_interest_in_one_currency_leaves_the_balance_of_the_other(
    store: str, *, is_watched: bool
) -> None:
    # The engine's own event of it tells only the balance that has changed.
    made = interest_on_yen()
    with record(made) if is_watched else nullcontext():
        made.run()
    save_run(made)
    saved = only(store)
    assert saved["equity_basis"] == ("mark_to_market" if is_watched else "balance")
    assert (saved["initial_capital"], saved["currency"]) == (11_000_000, "JPY")
    (account,) = made.cache.accounts()
    gained = account.balance_total(JPY).as_decimal() - 1_000_000
    assert saved["net_profit"] == gained != 0
    assert (saved["returns_count"], saved["max_drawdown"]) == (3, float(gained) / 11_000_000)
