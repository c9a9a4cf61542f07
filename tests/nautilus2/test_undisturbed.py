"""A run on NautilusTrader 2.0 leaves behind the same, whether it is recorded or not."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from nautilus_trader.backtest import BacktestEngine
from nautilus_trader.execution import FillModel, MakerTakerFeeModel
from nautilus_trader.model import AccountType, Money, OmsType, Venue

from backtest_store import record
from backtest_store.runner.config.expansion import expand
from backtest_store.runner.config.file import Origin
from backtest_store.runner.config.loading import parse_config
from backtest_store.runner.nautilus2 import node
from backtest_store.runner.nautilus2.run_config import make
from tests.capture.metrics_of_1_221 import ORDERS, waves
from tests.capture.stores import only
from tests.engines.bundled import CASES
from tests.nautilus2.backtests import (
    AUD,
    MINUTE,
    USD,
    Scripted,
    ScriptedConfig,
    backtest,
    bars_of,
    pair,
    share,
)

RANDOM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
FEE = Decimal("0.00002")


def busy() -> BacktestEngine:
    """The run whose metrics were worked out on 1.221."""
    return backtest(
        waves(10_000),
        ORDERS,
        instrument=pair("AUD/USD", AUD, USD),
        step=MINUTE,
        strategy={"close_on_stop": True},
        fee_model=MakerTakerFeeModel(FEE, FEE),
        default_leverage=Decimal(10),
    )


def hedged() -> BacktestEngine:
    """Fills by chance, on a venue that keeps a position for every order."""
    return backtest(
        waves(4_000),
        dict.fromkeys(range(10, 3_900, 97), "1000"),
        instrument=pair("AUD/USD", AUD, USD),
        step=MINUTE,
        oms_type=OmsType.HEDGING,
        fill_model=FillModel(prob_slippage=0.5, random_seed=7),
    )


def on_several_venues() -> BacktestEngine:
    """Two strategies on two venues with an account each, one of them in cash."""
    made = backtest(waves(4_000), dict.fromkeys(range(5, 3_900, 41), 7), step=MINUTE)
    other = share("OTHER", "XNYS")
    made.add_venue(
        venue=Venue("XNYS"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        base_currency=USD,
        starting_balances=[Money(50_000, USD)],
        fee_model=MakerTakerFeeModel(0, 0),
    )
    made.add_instrument(other)
    bars = bars_of(other, waves(4_000), MINUTE)
    made.add_data(bars)
    orders = {place: (3 if number % 2 else -3) for number, place in enumerate(range(8, 3_900, 53))}
    given = {"instrument_id": other.id, "bar_type": bars[0].bar_type, "orders": orders}
    made.add_strategy(Scripted(ScriptedConfig(**given, order_id_tag="OTHER")))
    return made


def failing() -> BacktestEngine:
    """A callback raises in the middle, and the engine goes on."""
    orders = dict.fromkeys(range(5, 400, 11), 7)
    return backtest(waves(4_000), orders, step=MINUTE, strategy={"raise_at": 300})


def shut_down() -> BacktestEngine:
    """A strategy stops the system in the middle."""
    orders = dict.fromkeys(range(5, 400, 11), 7)
    return backtest(waves(4_000), orders, step=MINUTE, strategy={"shut_at": 300})


def bundled(name: str) -> BacktestEngine:
    """A bundled strategy on bundled data."""
    content = expand(parse_config(CASES[name], origin=name)).run_config
    made = make(content, Origin(name))
    return node._engine(made, node._loaded(node._data_key(content, made.config)))


def outcome(made: BacktestEngine) -> dict[str, str]:
    """Everything that a run leaves behind, random ids apart."""
    cache, result = made.cache, made.get_result()
    accounts = [cache.account_for_venue(venue) for venue in made.list_venues()]
    statistics = (result.stats_returns, result.stats_general)
    orders = sorted(cache.orders(), key=lambda order: str(order.client_order_id))
    left = {
        "orders": [[str(event.to_dict()) for event in order.events()] for order in orders],
        "positions": sorted(json.dumps(p.to_dict(), sort_keys=True) for p in cache.positions()),
        "snapshots": [position.to_dict() for position in cache.position_snapshots()],
        "accounts": [[event.to_dict() for event in account.events] for account in accounts],
        "equity": [str(s.total_equity) for a in accounts for s in made.portfolio.snapshots(a.id)],
        "statistics": [*map(listed, result.stats_pnls.values()), *map(listed, statistics)],
        "returns": sorted(result.returns_series.items()),
        "counts": [result.iterations, result.total_events, result.total_orders],
    }
    return {name: RANDOM.sub("*", repr(value)) for name, value in left.items()}


def listed(statistics: dict[str, float]) -> list[tuple[str, str]]:
    """Statistics by name; the engine itself adds up in an order that is not always the same."""
    return sorted((name, f"{value:.12g}") for name, value in statistics.items())


MAKERS: list[tuple[str, Callable[[], BacktestEngine]]] = [
    *((maker.__name__, maker) for maker in (busy, hedged, on_several_venues, failing, shut_down)),
    *((f"{name}-demo", partial(bundled, f"{name}-demo")) for name in ("sma_crossover", "momentum")),
    ("rsi_mean_reversion-hedging", partial(bundled, "rsi_mean_reversion-hedging")),
    ("sma_crossover-slipping", partial(bundled, "sma_crossover-slipping")),
]


@pytest.mark.parametrize("make_engine", [m for _, m in MAKERS], ids=[name for name, _ in MAKERS])
def test_every_result_is_the_same(store: str, make_engine: Callable[[], BacktestEngine]) -> None:
    alone = make_engine()
    alone.run()
    expected = outcome(alone)
    alone.dispose()  # of two engines of a thread, only the one that was made last can run
    watched = make_engine()
    with record(watched):
        watched.run()
    assert len(expected["orders"]) > 1_000
    assert outcome(watched) == expected
    assert only(store)["status"] == STATUS.get(make_engine, "success")


STATUS: dict[Any, str] = {failing: "failed", shut_down: "stopped"}
