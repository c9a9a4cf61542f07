"""What the adapter relies on of NautilusTrader 2.0, each by its name: a release may rename it."""

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from nautilus_trader import (
    backtest,
    common,
    execution,
    indicators,
    model,
    persistence,
    portfolio,
    trading,
)

import backtest_store
from backtest_store.capture.engines.nautilus2 import engine_methods, node, node_config
from backtest_store.capture.identity.components import KINDS
from tests.nautilus2.backtests import USD
from tests.nautilus2.backtests import backtest as made_backtest

SHOWN: dict[type, str] = {
    backtest.BacktestEngine: "instance_id iteration run_id run_started run_finished"
    " backtest_start backtest_end cache portfolio",
    backtest.BacktestResult: "run_id run_started run_finished backtest_start backtest_end iterations"
    " stats_pnls stats_returns stats_general",
    backtest.BacktestNode: "configs",
    backtest.BacktestRunConfig: "id venues data engine start end dispose_on_completion",
    backtest.BacktestVenueConfig: "name starting_balances base_currency",
    backtest.BacktestDataConfig: "data_type catalog_path catalog_fs_protocol instrument_id"
    " instrument_ids bar_types bar_spec start_time end_time filter_expr"
    " catalog_fs_storage_option_keys catalog_fs_rust_storage_option_keys",
    backtest.BacktestEngineConfig: "catalogs",
    model.Bar: "bar_type close ts_init",
    model.BarType: "spec instrument_id",
    model.BarSpecification: "price_type",
    model.OrderBookDelta: "flags instrument_id ts_init",
    model.AccountState: "balances ts_event",
    model.AccountBalance: "total",
    model.MarketOrder: "order_type",
    model.QuoteTick: "bid_price ask_price instrument_id ts_init",
    model.TradeTick: "price instrument_id ts_init",
    model.OrderFilled: "ts_event commission last_qty last_px order_side position_id trade_id",
    model.Position: "id ts_last realized_pnl settlement_currency instrument_id is_closed account_id"
    " ts_opened ts_closed quantity side avg_px_open is_open",
    model.MarginAccount: "id base_currency calculate_account_state",
    model.Equity: "id multiplier is_inverse quote_currency lot_size price_increment price_precision"
    " size_increment size_precision margin_init",
    model.AggregationSource: "EXTERNAL",
    model.OrderSide: "BUY SELL",
    model.AggressorSide: "BUY SELL",
    model.BookType: "L2_MBP L3_MBO",
    model.OrderType: "LIMIT",
    indicators.ExponentialMovingAverage: "has_inputs value",
    model.Money: "currency",
    model.Currency: "code precision",
    model.CurrencyPair: "base_currency quote_currency is_inverse id",
    trading.Strategy: "config strategy_id",
}
CALLED: dict[type, str] = {
    backtest.BacktestEngine: "add_venue add_data add_instrument change_fill_model clear_data run"
    " end reset dispose get_result list_venues",
    backtest.BacktestNode: "build run get_engine_cache get_engine_portfolio",
    common.Cache: "bars bar_types quotes trades instruments instrument instrument_ids account_for_venue orders positions"
    " position_snapshots",
    portfolio.Portfolio: "is_net_long is_net_short account register_statistic",
    model.MarketOrder: "events",
    model.OrderFilled: "to_dict from_dict",
    model.Position: "events commissions apply is_opposite_side",
    model.MarginAccount: "balances_total balance_total starting_balances is_cash_account"
    " calculate_pnls",
    model.Money: "as_decimal from_str",
    model.Price: "as_decimal from_decimal_dp",
    model.Currency: "from_str",
    model.CurrencyPair: "from_dict",
    model.OrderBook: "add apply_delta apply_deltas apply_depth best_bid_price best_bid_size"
    " best_ask_price best_ask_size",
    model.Equity: "to_dict",
    persistence.ParquetDataCatalog: " ".join(node_config.QUERIES.values())
    + " instruments write_instruments write_bars write_quote_ticks write_trade_ticks",
    trading.Strategy: "shutdown_system subscribe_topic subscribe_bars submit_order close_all_positions",
    trading.ExecutionAlgorithm: "subscribe_topic",
    common.DataActor: "shutdown_system subscribe_topic",
}


def _named(table: dict[type, str]) -> list[Any]:
    return [
        pytest.param(kind, name, id=f"{kind.__name__}.{name}")
        for kind, names in table.items()
        for name in names.split()
    ]


@pytest.mark.parametrize(("kind", "name"), _named(SHOWN))
def test_it_shows(kind: type, name: str) -> None:
    assert not callable(inspect.getattr_static(kind, name))


@pytest.mark.parametrize(("kind", "name"), _named(CALLED))
def test_it_can_be_asked(kind: type, name: str) -> None:
    assert callable(getattr(kind, name))


PACKAGE = Path(backtest_store.__file__).parent
ADAPTERS = ("capture/engines/nautilus2", "runner/nautilus2")
PYTHONS = {name for kind in (str, dict, list, set, int) for name in dir(kind)}
OURS = {
    "PARTIAL",
    "QuoteTick",
    "components",
    "first",
    "kind",
    "leverage",
    "rate",
}  # named as theirs


def _attributes_used() -> Iterator[str]:
    """Yield the names of attributes that the adapters' source asks for."""
    for path in (path for folder in ADAPTERS for path in (PACKAGE / folder).glob("*.py")):
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        yield from (node.attr for node in nodes if isinstance(node, ast.Attribute))


def test_nothing_that_it_relies_on_is_left_out() -> None:
    modules = (backtest, common, execution, model, persistence, portfolio, trading)
    kinds = [k for m in modules for k in vars(m).values() if isinstance(k, type)]
    theirs = {name for kind in kinds for name in dir(kind) if not name.startswith("_")}
    named = {name for t in (SHOWN, CALLED) for names in t.values() for name in names.split()}
    assert set(_attributes_used()) & theirs - PYTHONS - OURS - named == set()


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_given_components_by_these_methods(kind: str) -> None:
    engine_methods.watch_class(backtest.BacktestEngine)
    names = [name for name in engine_methods._notes() if KINDS[kind] in name or kind in name]
    assert names
    for name in names:
        assert isinstance(getattr(backtest.BacktestEngine, name), FunctionType), name


def test_its_methods_can_be_replaced() -> None:
    engine_methods.watch_class(backtest.BacktestEngine)
    node.watch_node_class(backtest.BacktestNode)
    for kind in (backtest.BacktestEngine, backtest.BacktestNode):
        assert isinstance(kind.run, FunctionType)
        assert isinstance(kind.__init__, FunctionType)
    assert isinstance(execution.FillModel.__init__, FunctionType)


def test_equity_is_noted_at_midnight_after_the_data_of_that_moment() -> None:
    made = made_backtest([100, 110, 120], {0: 10})
    made.run()
    account = made.cache.account_for_venue(made.list_venues()[0])
    noted = {s.ts_event: str(s.total_equity[0]) for s in made.portfolio.snapshots(account.id)}
    assert [*noted.values()] == ["100000.00 USD", "100100.00 USD", "100200.00 USD"]
    assert all(time % (86_400 * 10**9) == 0 for time in noted)
    assert str(account.balance_total(USD)) == "100000.00 USD"


def test_a_callback_s_frame_is_called_by_that_of_the_run() -> None:
    made = made_backtest([100, 110], strategy={"raise_at": 0})
    callers = []
    tool = sys.monitoring.OPTIMIZER_ID
    sys.monitoring.use_tool_id(tool, "test")
    event = sys.monitoring.events.PY_UNWIND
    sys.monitoring.register_callback(
        tool, event, lambda *_: callers.append(sys._getframe(1).f_back)
    )
    sys.monitoring.set_events(tool, event)
    try:
        made.run()
    finally:
        sys.monitoring.set_events(tool, 0)
        sys.monitoring.free_tool_id(tool)
    codes = [frame.f_code.co_name for frame in callers if frame is not None]
    assert codes[0] == "run"  # the others are those of whoever formats the traceback
