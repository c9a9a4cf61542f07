"""What is recorded of a run on NautilusTrader 2.0."""

import gc
import sys
from dataclasses import fields
from datetime import timedelta
from decimal import Context, Decimal, localcontext
from typing import Any

import pytest
from nautilus_trader.backtest import (
    BacktestEngine,
    BacktestEngineConfig,
    FXRolloverInterestModule,
    InterestRateRecord,
)
from nautilus_trader.execution import (
    DefaultFillModel,
    FillModel,
    MakerTakerFeeModel,
    ProbabilisticFillModel,
)
from nautilus_trader.model import AccountType, CryptoPerpetual, Currency, CurrencyPair, Money
from nautilus_trader.portfolio import PortfolioConfig

from backtest_store import record, save_run
from backtest_store.capture.engine_recorder import UNWATCHED_START, EngineRecorder, StoreSink
from backtest_store.capture.run_details import RunDetails
from backtest_store.models import Metrics, Record
from tests.capture.metrics_of_1_221 import ENGINES_OWN, EXPECTED
from tests.capture.stores import only, stored
from tests.nautilus2.backtests import AUD, QUIET, USD, Scripted, backtest, bars_of, pair, share
from tests.nautilus2.test_undisturbed import busy


def recorded(made: BacktestEngine, **run: Any) -> Record:
    with record(made) as recording:
        made.run(**run)
    (saved,) = recording.records
    return saved


def test_metrics_are_those_of_every_engine(store: str) -> None:
    saved = recorded(busy())
    names = {field.name for field in fields(Metrics)} - ENGINES_OWN
    assert {name: getattr(saved, name) for name in names} == EXPECTED
    assert only(store)["sharpe_ratio"] == EXPECTED["sharpe_ratio"]


def test_data_has_the_fingerprint_that_it_has_on_every_engine(store: str) -> None:
    fingerprint = "08f0a7d755b875ddcee460625c35bb34ce81f23ef4c9f4c10508b1c135162a5a"
    assert recorded(busy()).data_fingerprint == fingerprint


def test_equity_is_marked_to_market_each_day_with_data(store: str) -> None:
    prices = [100, 110, 90, 95]
    saved = recorded(backtest(prices, {0: 10}))
    # Ten shares bought at 100: what they are worth at each later close.
    assert saved.equity_basis == "mark_to_market"
    levels = [100_000, 100_100, 99_900, 99_950]
    returns = [
        after / before - 1 for before, after in zip([100_000, *levels], levels, strict=False)
    ]
    assert saved.period_returns == pytest.approx(returns, abs=1e-9)
    assert (saved.unrealised_profit, saved.net_profit) == (Decimal(-50), Decimal(-50))


def test_days_without_data_are_left_out(store: str) -> None:
    made = backtest([100, 110], {0: 10})
    late = bars_of(share(), [120] * 12)[-1:]
    made.add_data(late)
    saved = recorded(made)
    assert saved.returns_count == 3
    assert saved.final_balance == Decimal(100_000)
    assert saved.net_profit == Decimal(200)


def test_cash_account_counts_what_it_holds(store: str) -> None:
    saved = recorded(backtest([100, 110, 120], {0: 10}, account_type=AccountType.CASH))
    assert (saved.final_balance, saved.net_profit) == (Decimal(99_000), Decimal(200))
    assert saved.warnings is not None
    assert not [w for w in saved.warnings if "accounted for" in w]


def test_equity_needs_none_of_the_engine_s_own(store: str) -> None:
    config = BacktestEngineConfig(logging=QUIET, portfolio=PortfolioConfig(equity_curve=False))
    saved = recorded(backtest([100, 110, 120], {0: 10, 1: -10}, config=config))
    alone = recorded(backtest([100, 110, 120], {0: 10, 1: -10}))
    assert saved.equity_basis == alone.equity_basis == "mark_to_market"
    assert saved.period_returns == alone.period_returns
    assert saved.net_profit == Decimal(100)


def test_half_a_cent_is_rounded_as_it_is_on_1_x(store: str) -> None:
    # A short of 200,012 from 1.14618 has lost 250.015 at 1.14743, which binary fractions make less.
    made = backtest([1.14618, 1.14743], {0: -200_012}, instrument=pair("EUR/USD", AUD, USD))
    saved = recorded(made)
    assert saved.unrealised_profit == Decimal("-250.02")
    assert made.portfolio.unrealized_pnls(venue=made.list_venues()[0])[USD] == Money(-250.01, USD)


def test_what_a_callback_raises_fails_the_run(store: str) -> None:
    made = backtest([100, 110, 120], {0: 10}, strategy={"raise_at": 1})
    saved = recorded(made)
    assert (saved.status, saved.error_type, saved.error_message) == (
        "failed",
        "ValueError",
        "at bar 1",
    )
    assert saved.error_traceback is not None
    assert "in on_bar" in saved.error_traceback
    assert "backtest_store" not in saved.error_traceback
    assert only(store)["sharpe_ratio"] is None
    assert made.iteration == 3  # the engine has gone on, as it does alone


class _Listening(Scripted):
    """Publishes at each bar what it hears itself, and raises then, or what listens may do."""

    def on_start(self) -> None:
        super().on_start()
        self.subscribe_signal("bars")

    def on_bar(self, bar: Any) -> None:
        self.publish_signal("bars", "one", ts_event=bar.ts_event)
        super().on_bar(bar)

    def on_signal(self, _: Any) -> None:
        raise LookupError("nobody expected that")


class _Forgiving(_Listening):
    def on_bar(self, bar: Any) -> None:
        try:
            self.on_signal("one")
        except LookupError:
            Scripted.on_bar(self, bar)


def _with(kind: type) -> BacktestEngine:
    made = backtest([100, 110, 120])
    config = _config(made)
    made.clear_strategies()
    made.add_strategy(kind(config))
    return made


def test_what_a_callback_within_a_callback_raises_fails_the_run(store: str) -> None:
    saved = recorded(_with(_Listening))
    assert (saved.status, saved.error_type) == ("failed", "LookupError")
    assert "in on_signal" in str(saved.error_traceback)


def test_a_callback_that_is_called_by_the_strategy_itself_is_its_own_affair(store: str) -> None:
    assert recorded(_with(_Forgiving)).status == "success"


def test_an_exception_that_the_strategy_handles_is_none(store: str) -> None:
    class Careful(Scripted):
        def on_bar(self, bar: Any) -> None:
            try:
                super().on_bar(bar)
            except ValueError:
                self.bars += 1

    made = backtest([100, 110], strategy={"raise_at": 0})
    careful = backtest([100, 110])
    careful.clear_strategies()
    careful.add_strategy(Careful(_config(made)))
    assert recorded(careful).status == "success"


def account_of(made: BacktestEngine) -> Any:
    return made.cache.account_for_venue(made.list_venues()[0])


def _config(made: BacktestEngine) -> Any:
    from backtest_store.capture.engines.nautilus2.engine_requests import requests_of

    return requests_of(made).components[0].instance.config


def test_a_run_that_is_shut_down_is_stopped(store: str) -> None:
    saved = recorded(backtest([100, 110, 120, 130], {0: 10}, strategy={"shut_at": 1}))
    assert (saved.status, saved.error_type) == ("stopped", "ShutdownSystem")
    assert saved.error_message == (
        "at 2024-01-02T00:00:00+00:00: Received ShutdownSystem from Scripted: enough"
    )
    assert saved.returns_count == 2


def test_what_was_asked_is_stored(store: str) -> None:
    saved = recorded(backtest([100, 110], {0: 10}, strategy={"close_on_stop": True}))
    assert saved.strategy_name == "Scripted"
    assert saved.parameters["orders"] == {"0": "10"}
    assert "order_id_tag" not in saved.parameters
    (venue,) = saved.config_snapshot["venues"]
    assert venue["name"] == "XNAS"
    assert venue["oms_type"] == "NETTING"
    assert venue["starting_balances"] == ["100000.00 USD"]
    assert "MakerTakerFeeSchedule" in venue["fee_model"]["state"]
    (strategy,) = saved.config_snapshot["engine"]["strategies"]
    assert strategy["strategy_path"] == "tests.nautilus2.backtests:Scripted"
    assert "partial" not in saved.config_snapshot
    assert saved.instrument_ids == ["ACME.XNAS"]
    assert saved.provenance["engine_version"].startswith("2.")


@pytest.mark.parametrize(
    "other",
    [
        {"orders": {0: 11}},
        {"fee_model": MakerTakerFeeModel(Decimal("0.1"), Decimal("0.1"))},
        {"fill_model": FillModel(prob_slippage=0.5, random_seed=7)},
        {"starting_balances": [Money(1, USD)]},
        {"prices": [100, 111]},
        {"strategy": {"close_on_stop": True}},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_hash_is_of_all_that_decides(store: str, other: dict[str, Any]) -> None:
    first, again = (recorded(_made({})).config_hash for _ in range(2))
    assert first is not None
    assert first == again
    different = recorded(_made(other)).config_hash
    assert different not in {None, first}


@pytest.mark.parametrize(
    ("model", "is_known"),
    [
        (DefaultFillModel(prob_slippage=0.5), False),
        (DefaultFillModel(prob_slippage=1e-6), False),
        (ProbabilisticFillModel(), False),
        (ProbabilisticFillModel(random_seed=1), True),
        (DefaultFillModel(prob_slippage=1.0), True),
    ],
)
def test_a_model_that_draws_from_where_nothing_seeded_it_leaves_no_hash(
    store: str, model: Any, is_known: bool
) -> None:
    saved = recorded(_made({"fill_model": model}))
    assert (saved.config_hash is not None) is is_known
    told = saved.provenance.get("identity_unknown") or []
    assert any("nothing seeded it" in reason for reason in told) is not is_known


def test_a_hash_is_of_no_order_that_chance_decides(store: str) -> None:
    # Rust has a map's entries in another order in each, and the module's text shows them.
    months = [f"2024-{month:02}" for month in range(1, 13)]
    places = ("USA", "AUS", "JPN", "EA19")
    records = [InterestRateRecord(place, month, 0.1) for place in places for month in months]
    modules = [FXRolloverInterestModule(records) for _ in range(2)]
    assert len(set(map(repr, modules))) == 2
    hashes = {recorded(_made({"modules": [module]})).config_hash for module in modules}
    assert len(hashes - {None}) == 1


def _made(said: dict[str, Any]) -> BacktestEngine:
    given = {"prices": [100, 110], "orders": {0: 10}} | said
    return backtest(given.pop("prices"), given.pop("orders"), **given)


def test_several_runs_of_an_engine_are_each_its_own(store: str) -> None:
    made = backtest([100, 110, 120, 130], {0: 10})
    day = int(timedelta(days=1) / timedelta(microseconds=1)) * 1000
    start = 1_704_067_200 * 10**9
    with record(made) as recording:
        made.run(end=start + day)
        made.reset()
        made.run()
    first, second = recording.records
    assert (first.returns_count, second.returns_count) == (2, 4)
    assert first.config_hash != second.config_hash
    assert len(set(recording.run_ids)) == 2


def test_a_stream_is_one_run(store: str) -> None:
    made = backtest([100, 110], {0: 10})
    rest = bars_of(share(), [100, 110, 120, 130])[2:]
    with record(made) as recording:
        made.run(streaming=True)
        made.clear_data()
        made.add_data(rest)
        made.run(streaming=True)
        made.end()
    (saved,) = recording.records
    whole = recorded(backtest([100, 110, 120, 130], {0: 10}))
    assert saved.data_fingerprint == whole.data_fingerprint
    assert (saved.status, saved.net_profit) == ("success", whole.net_profit)
    assert saved.period_returns == whole.period_returns


def test_save_run_after_the_run_is_the_same_run(store: str) -> None:
    made = backtest([100, 110], {0: 10})
    made.run()
    run_id = save_run(made)
    assert run_id is not None
    assert save_run(made) == run_id
    saved = only(store)
    assert saved["status"] == "success"
    assert saved["equity_basis"] == "mark_to_market"
    assert saved["config_hash"] == recorded(backtest([100, 110], {0: 10})).config_hash


def test_an_engine_is_let_go_of_at_once(store: str) -> None:
    # It cannot be dropped in another thread, as a later collection of garbage might.
    made = backtest([100, 110], {0: 10})
    gc.collect()
    gc.disable()
    try:
        before = sys.getrefcount(made)
        recorded(made)
        assert sys.getrefcount(made) == before
    finally:
        gc.enable()


def in_yen(symbol: str, base: Currency) -> CurrencyPair:
    """A pair that is quoted in yen."""
    given = pair(symbol, base, Currency.from_str("JPY")).to_dict()
    return CurrencyPair.from_dict(given | {"price_precision": 3, "price_increment": "0.001"})


def test_several_currencies_are_valued_as_on_1_231(store: str) -> None:
    traded, rate = in_yen("AUD/JPY", AUD), in_yen("USD/JPY", USD)
    orders = {1: 10_000, 3: -15_000, 4: 5_000, 5: 1_000}
    made = backtest(
        [95, 96, 97, 95, 94, 96],
        orders,
        instrument=traded,
        base_currency=None,
        starting_balances=[Money(100_000, USD), Money(1_000_000, Currency.from_str("JPY"))],
        fee_model=MakerTakerFeeModel(Decimal("0.0002"), Decimal("0.0002")),
        default_leverage=Decimal(10),
    )
    made.add_instrument(rate)
    made.add_data(bars_of(rate, [140, 141, 139, 142, 143, 141]))
    saved = recorded(made)
    assert (saved.currency, saved.initial_capital) == ("JPY", Decimal(15_000_000))
    assert (saved.net_profit, saved.final_balance) == (Decimal(94_410), Decimal(15_094_410))
    assert (saved.total_fees, saved.total_trades, saved.winning_trades) == (Decimal(590), 2, 1)
    assert saved.expectancy == Decimal("-2785.5")
    assert saved.sharpe_ratio == 1.7140184726679035


def inverse_perpetual(base: Currency) -> CryptoPerpetual:
    """A perpetual on a coin in dollars, whose profit is in the coin."""
    given = pair("BTCUSD", base, USD)
    return CryptoPerpetual(
        given.id,
        given.raw_symbol,
        base_currency=base,
        quote_currency=USD,
        settlement_currency=base,
        is_inverse=True,
        price_precision=given.price_precision,
        size_precision=given.size_precision,
        price_increment=given.price_increment,
        size_increment=given.size_increment,
        ts_event=0,
        ts_init=0,
    )


def test_the_currency_of_several_is_the_one_that_profit_is_settled_in(store: str) -> None:
    coin = Currency.from_str("BTC")
    made = backtest(
        [100, 110, 120],
        instrument=inverse_perpetual(coin),
        base_currency=None,
        starting_balances=[Money(1_000, USD), Money(10, coin)],
    )
    assert recorded(made).currency == "BTC"


def test_the_script_s_decimal_context_has_no_say(store: str) -> None:
    expected = recorded(backtest([1_234.56, 1_234.67, 1_235.89], {0: 100}))
    with localcontext(Context(prec=3)):
        changed = recorded(backtest([1_234.56, 1_234.67, 1_235.89], {0: 100}))
    assert changed.unrealised_profit == expected.unrealised_profit == Decimal(133)
    assert changed.period_returns == expected.period_returns


def test_interest_in_one_currency_leaves_the_balance_of_the_other(store: str) -> None:
    # The engine's own event of it tells only the balance that has changed.
    rates = [InterestRateRecord(p, "2024-01", v) for p, v in (("USA", 5.33), ("JPN", -0.1))]
    made = backtest(
        [100.0] * 1_500,
        {0: 10_000},
        instrument=in_yen("USD/JPY", USD),
        step=timedelta(minutes=1),
        base_currency=None,
        starting_balances=[Money(100_000, USD), Money(1_000_000, Currency.from_str("JPY"))],
        modules=[FXRolloverInterestModule(records=rates)],
    )
    saved = recorded(made)
    (interest,) = [e for e in account_of(made).events if e.is_reported][1:]
    (balance,) = interest.balances
    gained = balance.total.as_decimal() - 1_000_000
    assert gained > 0
    assert (saved.initial_capital, saved.net_profit) == (Decimal(11_000_000), gained)
    assert saved.period_returns == pytest.approx([0, float(gained) / 11_000_000, 0], abs=1e-9)


def test_an_engine_without_a_venue_has_no_capital(store: str) -> None:
    made = BacktestEngine(BacktestEngineConfig(logging=QUIET))
    saved = recorded(made)
    assert (saved.status, saved.initial_capital, saved.currency) == ("success", None, None)
    assert only(store)["final_balance"] is None


def test_nothing_is_stored_of_an_engine_that_has_not_run(store: str) -> None:
    assert save_run(backtest([100, 110])) is None
    assert stored(store) == []


def test_a_run_whose_beginning_was_not_heard_says_so(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = backtest([100, 110], {0: 10})
    made.run()
    recorder = EngineRecorder(made, RunDetails(), StoreSink())
    recorder.attach()
    recorder.detach(must_have_run=True)
    assert UNWATCHED_START in only(store)["warnings"]
    assert capsys.readouterr().err.count(f"btstore: warning: {UNWATCHED_START}") == 1
