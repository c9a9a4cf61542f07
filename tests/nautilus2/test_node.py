"""What is recorded of a node of NautilusTrader 2.0, which has one run configuration."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.backtest import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestNode,
    BacktestRunConfig,
    BacktestVenueConfig,
)
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import (
    BookAction,
    BookOrder,
    NautilusDataType,
    OrderBookDelta,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
)
from nautilus_trader.persistence import ParquetDataCatalog
from nautilus_trader.trading import EmaCrossConfig, ImportableStrategyConfig

from backtest_store import record, save_run
from backtest_store.capture.engines.nautilus2.node import watch_node_class
from backtest_store.capture.identity.data_fingerprint import fingerprint
from backtest_store.models import Metrics, Record
from tests.capture.metrics_of_1_221 import waves
from tests.capture.stores import only, stored
from tests.nautilus2.backtests import (
    QUIET,
    START,
    USD,
    Scripted,
    ScriptedConfig,
    backtest,
    bars_of,
    share,
)
from tests.nautilus2.test_recording import recorded as recorded_engine

PRICES = [100, 110, 90, 95]
ORDERS = {0: Decimal(10), 2: Decimal(-10)}


class Disposing(Scripted):
    """Says of itself when it is disposed of."""

    def on_dispose(self) -> None:
        """Note it."""
        self.is_disposed_of = True


@pytest.fixture
def catalog(tmp_path: Path) -> str:
    """A catalog with one instrument and its bars."""
    path = str(tmp_path)
    written = ParquetDataCatalog(path)
    written.write_instruments([share()])
    written.write_bars(bars_of(share(), PRICES))
    return path


def config_of(
    catalog: str, data_type: NautilusDataType = NautilusDataType.Bar, **run: Any
) -> BacktestRunConfig:
    venue = BacktestVenueConfig(
        name="XNAS",
        oms_type="NETTING",
        account_type="MARGIN",
        starting_balances=["100000 USD"],
        base_currency=USD,
        fee_model=MakerTakerFeeModel(0, 0),
    )
    data = BacktestDataConfig(data_type=data_type, catalog_path=catalog, instrument_id=share().id)
    engine = BacktestEngineConfig(logging=QUIET)
    return BacktestRunConfig(venues=[venue], data=[data], engine=engine, **run)


def node_of(config: BacktestRunConfig, kind: type = Scripted, **said: Any) -> BacktestNode:
    node = BacktestNode([config])
    node.build()
    bar_type = bars_of(share(), PRICES)[0].bar_type
    given = {"instrument_id": share().id, "bar_type": bar_type, "orders": ORDERS} | said
    node.add_strategy(config.id, kind(ScriptedConfig(**given)))
    return node


def recorded(node: BacktestNode) -> Record:
    with record(node) as recording:
        node.run()
    (saved,) = recording.records
    return saved


@pytest.mark.parametrize("is_disposed_of", [True, False])
@pytest.mark.parametrize("kind", [Scripted, Disposing])
def test_a_node_s_run_is_that_of_an_engine(
    store: str, catalog: str, is_disposed_of: bool, kind: type
) -> None:
    node = node_of(config_of(catalog, dispose_on_completion=is_disposed_of), kind)
    saved = recorded(node)
    assert saved.data_source == catalog
    node.dispose()
    alone = recorded_engine(backtest(PRICES, {0: 10, 2: -10}))
    assert (saved.status, saved.net_profit, saved.total_trades) == ("success", Decimal(-100), 1)
    assert saved.period_returns == alone.period_returns
    assert saved.equity_basis == "mark_to_market"
    assert saved.data_fingerprint == alone.data_fingerprint
    assert saved.config_hash is not None
    assert saved.strategy_name == kind.__name__
    (venue,) = saved.config_snapshot["venues"]
    assert (venue["name"], venue["starting_balances"]) == ("XNAS", ["100000.00 USD"])


def test_a_node_with_nothing_but_a_strategy_in_rust_is_recorded_whole(
    store: str, tmp_path: Path
) -> None:
    size, start = Quantity.from_int(1_000), int(START.timestamp()) * 10**9
    written = ParquetDataCatalog(str(tmp_path))
    written.write_instruments([share()])
    written.write_quote_ticks(
        [
            QuoteTick(share().id, Price(bid, 2), Price(bid + 0.02, 2), size, size, time, time)
            for n, price in enumerate(waves(2_000))
            for bid, time in [(100 * price, start + n * 10**11)]
        ]
    )
    runs = []
    for is_disposed_of in (True, False):
        said = {"dispose_on_completion": is_disposed_of}
        config = config_of(str(tmp_path), NautilusDataType.QuoteTick, **said)
        node = BacktestNode([config])
        node.build()
        crossing = EmaCrossConfig(share().id, Quantity.from_int(10), fast_period=5, slow_period=20)
        node.add_builtin_strategy(config.id, "EmaCross", crossing)
        runs.append(recorded(node))
        node.dispose()
    gone, kept = runs
    assert (gone.status, gone.strategy_name) == ("success", "EmaCross")
    assert (gone.total_trades or 0) > 10
    names = {field.name for field in fields(Metrics)}
    assert {n: getattr(gone, n) for n in names} == {n: getattr(kept, n) for n in names}
    assert gone.equity_basis == "mark_to_market"


def test_strategies_that_the_node_makes_have_their_own_parameters(store: str, catalog: str) -> None:
    config = config_of(catalog, dispose_on_completion=False)
    node = BacktestNode([config])
    node.build()
    paths = [f"tests.nautilus2.corpus.market:{name}" for name in ("Cross", "CrossConfig")]
    given = {"instrument_id": str(share().id), "bar_type": str(bars_of(share(), [1])[0].bar_type)}
    for said in ({"trade_size": 1, "order_id_tag": "A"}, {"trade_size": 2}):
        node.add_strategy_from_config(config.id, ImportableStrategyConfig(*paths, given | said))
    saved = recorded(node)
    known = {name: own["trade_size"] for name, own in saved.parameters.items()}
    assert known == {"Cross-A": 1, "Cross-001": 2}


def test_save_run_says_that_it_takes_no_node(
    store: str, catalog: str, capsys: pytest.CaptureFixture[str]
) -> None:
    node = node_of(config_of(catalog, dispose_on_completion=False))
    node.run()
    assert save_run(node) is None
    assert "save_run takes an engine, was BacktestNode" in capsys.readouterr().err


def test_what_a_callback_raises_fails_the_run(store: str, catalog: str) -> None:
    saved = recorded(node_of(config_of(catalog), raise_at=1))
    assert (saved.status, saved.error_message) == ("failed", "at bar 1")
    assert only(store)["error_type"] == "ValueError"


def test_a_run_without_a_result_has_failed(store: str, catalog: str) -> None:
    config = config_of(catalog, start=1)
    node = BacktestNode([config])
    node.build()
    config = ImportableStrategyConfig(
        "tests.nautilus2.nowhere:No", "tests.nautilus2.nowhere:No", {}
    )
    with pytest.raises(Exception, match="nowhere"):
        node.add_strategy_from_config(node.configs[0].id, config)
    node.add_strategy(node.configs[0].id, _Unable())
    saved = recorded(node)
    assert (saved.status, saved.error_type) == ("failed", "LookupError")
    assert saved.error_message == "nothing to trade"


class _Unable(Scripted):
    def __init__(self) -> None:
        bar_type = bars_of(share(), PRICES)[0].bar_type
        super().__init__(ScriptedConfig(instrument_id=share().id, bar_type=bar_type))

    def on_start(self) -> None:
        """Fail to."""
        raise LookupError("nothing to trade")


def changes(count: int = 30) -> list[OrderBookDelta]:
    """Changes of an order book, a bid and an ask together each second."""
    start, made = int(START.timestamp()) * 10**9, []
    for n in range(count):
        for side, price, flags in ((OrderSide.BUY, 99, 0), (OrderSide.SELL, 101, 1 << 7)):
            action = BookAction.UPDATE if n else BookAction.ADD
            order = BookOrder(side, Price(price, 2), Quantity(5 + n, 0), price)
            time = start + n * 10**9
            made.append(OrderBookDelta(share().id, action, order, flags, n, time, time))
    return made


def test_a_node_that_joins_changes_of_an_order_book_has_replayed_them_all(
    store: str, tmp_path: Path
) -> None:
    written = ParquetDataCatalog(str(tmp_path))
    written.write_instruments([share()])
    written.write_order_book_deltas(changes())
    config = config_of(str(tmp_path), data_type=NautilusDataType.OrderBookDelta)
    saved = recorded(node_of(config, orders={}))
    assert (saved.status, saved.error_message) == ("success", None)
    assert saved.data_fingerprint == fingerprint(changes())


class Joins(Scripted):
    """Does something when the run has begun."""

    what: Callable[[], object]

    def on_start(self) -> None:
        """Do it."""
        type(self).what()
        super().on_start()


def test_a_recording_that_begins_within_a_run_says_so(
    store: str, catalog: str, capsys: pytest.CaptureFixture[str]
) -> None:
    watch_node_class(BacktestNode)
    node = node_of(config_of(catalog), Joins)
    with ExitStack() as stack:
        Joins.what = lambda: stack.enter_context(record(node))
        assert node.run()
    assert stored(store) == []
    assert "the run had begun before `record` did" in capsys.readouterr().err
