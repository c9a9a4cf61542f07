"""`record` around a real node that reads a real catalog."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nautilus_trader.backtest.node import BacktestNode
from nautilus_trader.config import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestRunConfig,
    BacktestVenueConfig,
    ImportableStrategyConfig,
    LoggingConfig,
)
from nautilus_trader.model.data import Bar
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.persistence.config import StreamingConfig
from nautilus_trader.trading.strategy import Strategy

from backtest_store import record
from backtest_store.capture.identity.data_fingerprint import fingerprint
from tests.capture.backtests import bar_type, bars, share
from tests.capture.stores import only, stored

CLOSES = [100, 110, 120, 115, 110, 130]
ORDERS = {"0": "10", "2": "-20", "4": "10"}
MODULE = "tests.capture.backtests"


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalog")
    return fill(path, CLOSES)


def fill(path: Path, closes: Sequence[float]) -> Path:
    catalog = ParquetDataCatalog(str(path))
    catalog.write_data([share()])
    catalog.write_data(bars(share(), closes))
    return path


def run_config(
    catalog: Path, strategy: Mapping[str, Any] | None = None, **settings: Any
) -> BacktestRunConfig:
    config = {
        "instrument_id": "ACME.XNAS",
        "bar_type": str(bar_type(share())),
        "orders": ORDERS,
        **(strategy or {}),
    }
    return BacktestRunConfig(
        venues=[
            BacktestVenueConfig(
                name="XNAS",
                oms_type="NETTING",
                account_type="MARGIN",
                base_currency="USD",
                starting_balances=["10000 USD"],
                default_leverage=10.0,
            )
        ],
        data=[
            BacktestDataConfig(
                catalog_path=str(catalog),
                data_cls=Bar,
                instrument_id=share().id,
                bar_spec="1-DAY-LAST",
                **settings.pop("data", {}),
            )
        ],
        engine=BacktestEngineConfig(
            logging=LoggingConfig(log_level="OFF"),
            streaming=settings.pop("streaming", None),
            strategies=[
                ImportableStrategyConfig(
                    strategy_path=settings.pop("strategy_path", f"{MODULE}:Scripted"),
                    config_path=f"{MODULE}:ScriptedConfig",
                    config=config,
                )
            ],
        ),
        **settings,
    )


def test_each_configuration_is_a_run_also_the_one_whose_exception_is_swallowed(
    store: str, catalog: Path
) -> None:
    node = BacktestNode(
        [
            run_config(catalog, {"orders": {"0": "10"}}),
            run_config(catalog, {"raise_at": 3}),
            run_config(catalog),
        ]
    )
    with record(node, tags=["node"]) as run:
        results = node.run()
    saved = stored(store)
    assert len(results) == 2
    assert [s["run_id"] for s in saved] == [str(run_id) for run_id in run.run_ids]
    assert [s["status"] for s in saved] == ["success", "failed", "success"]
    assert [s.get("net_profit") for s in saved] == [300, None, 300]
    assert saved[1]["error_message"] == "at bar 3"
    assert {tuple(s["tags"]) for s in saved} == {("node",)}
    assert len({s["config_hash"] for s in saved}) == 3


def test_run_of_a_node_is_described_by_its_configuration(store: str, catalog: Path) -> None:
    config = run_config(catalog)
    node = BacktestNode([config])
    with record(node):
        (result,) = node.run()
    saved = only(store)
    assert saved["equity_basis"] == "mark_to_market"
    assert saved["instrument_ids"] == ["ACME.XNAS"]
    assert saved["data_source"] == str(catalog)
    assert saved["data_fingerprint"] == fingerprint(bars(share(), CLOSES))
    assert saved["parameters"]["orders"] == ORDERS
    assert saved["provenance"]["engine_run_id"] == result.run_id
    snapshot = saved["config_snapshot"]
    (strategy,) = snapshot["engine"]["strategies"]
    assert strategy["strategy_path"] == f"{MODULE}:Scripted"
    assert strategy["config"]["orders"] == ORDERS
    again = BacktestRunConfig.parse(msgspec.json.encode(snapshot))
    assert again == BacktestRunConfig.parse(config.json())


def test_stream_in_chunks_is_one_run(store: str, catalog: Path) -> None:
    node = BacktestNode([run_config(catalog, chunk_size=2)])
    with record(node):
        node.run()
    saved = only(store)
    assert (saved["status"], saved["net_profit"], saved["total_trades"]) == ("success", 300, 2)
    assert saved["returns_count"] == 6


def test_who_writes_all_that_is_published_to_disk_changes_nothing(
    store: str, catalog: Path, tmp_path: Path
) -> None:
    """It subscribes to every topic, those in use before included."""
    streaming = StreamingConfig(catalog_path=str(tmp_path / "streamed"), include_types=[Bar])
    node = BacktestNode([run_config(catalog, streaming=streaming)])
    with record(node):
        node.run()
    saved = only(store)
    assert (saved["strategy_name"], saved["net_profit"]) == ("Scripted", 300)
    assert saved["equity_basis"] == "mark_to_market"


def test_engine_kept_alive_is_saved_too(store: str, catalog: Path) -> None:
    node = BacktestNode([run_config(catalog, dispose_on_completion=False)])
    with record(node):
        node.run()
    assert only(store)["net_profit"] == 300


def test_engine_that_cannot_be_built_is_a_failed_run(store: str, catalog: Path) -> None:
    broken = run_config(catalog, strategy_path=f"{MODULE}:Missing")
    node = BacktestNode([broken, run_config(catalog)])
    with record(node):
        assert len(node.run()) == 1
    failed, succeeded = stored(store)
    assert failed["status"] == "failed"
    assert "Missing" in failed["error_traceback"] + failed["error_message"]
    assert failed["strategy_name"] == "Missing"
    assert failed["instrument_ids"] == ["ACME.XNAS"]
    assert failed["error_type"] != "AttributeError" or "Missing" in failed["error_message"]
    assert succeeded["status"] == "success"


@pytest.mark.parametrize("path", ["Scripted", "Missing"])
def test_exception_that_the_node_raises_is_saved_and_goes_on(
    store: str, catalog: Path, path: str
) -> None:
    config = run_config(
        catalog, {"raise_at": 1}, strategy_path=f"{MODULE}:{path}", raise_exception=True
    )
    node = BacktestNode([config, run_config(catalog)])
    with pytest.raises(Exception, match=r"at bar 1|Missing"), record(node):
        node.run()
    assert only(store)["status"] == "failed"


def test_interruption_of_a_node_is_saved(store: str, catalog: Path) -> None:
    config = run_config(catalog, {"raise_at": 1, "exception": "KeyboardInterrupt"})
    with pytest.raises(KeyboardInterrupt), record(node := BacktestNode([config])):
        node.run()
    assert only(store)["status"] == "interrupted"


@pytest.mark.parametrize("chunk_size", [None, 2])
def test_run_without_data_is_saved(store: str, catalog: Path, chunk_size: int | None) -> None:
    config = run_config(catalog, start="2030-01-01", end="2030-01-02", chunk_size=chunk_size)
    node = BacktestNode([config])
    with record(node):
        node.run()
    saved = only(store)
    assert (saved["status"], saved["total_trades"], saved["net_profit"]) == ("success", 0, None)
    assert saved["start_date"] is None


def test_node_is_left_as_it_was(store: str, catalog: Path) -> None:
    node = BacktestNode([run_config(catalog)])
    before = dict(vars(node))
    with record(node):
        assert vars(node).keys() != before.keys()
    assert vars(node).keys() == before.keys()
    assert node.run()
    assert stored(store) == []


def test_node_logs_a_failure_as_it_would_without_us(
    store: str, catalog: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    outputs = []
    for watched in (True, False):
        config = run_config(catalog, {"raise_at": 3})
        node = BacktestNode([config])
        seen: list[str] = []
        vars(node)["log_backtest_exception"] = partial(_note, seen)
        if watched:
            with record(node):
                node.run()
        else:
            node.run()
        outputs.append(seen)
    assert outputs[0] == outputs[1]
    assert "in on_bar" in outputs[0][0]


def _note(seen: list[str], error: BaseException, _: object) -> None:
    seen.append("".join(traceback.format_exception(error)))


@pytest.mark.parametrize("chunk_size", [None, 2])
@pytest.mark.parametrize("path", ["Scripted", "Missing"])
def test_configuration_that_fails_is_one_failed_run(
    store: str, catalog: Path, path: str, chunk_size: int | None
) -> None:
    config = run_config(
        catalog, {"raise_at": 1}, strategy_path=f"{MODULE}:{path}", chunk_size=chunk_size
    )
    node = BacktestNode([config])
    with record(node):
        node.build()
        node.run()
    assert only(store)["status"] == "failed"


class Joins(Strategy):  # type: ignore[misc]
    """Does something when the run has begun."""

    def __init__(self, what: Callable[[], object]) -> None:
        super().__init__()
        self.what = what

    def on_start(self) -> None:
        """Do it."""
        self.what()


def test_recording_that_begins_within_a_run_says_so(
    store: str, catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = run_config(catalog)
    node = BacktestNode([config])
    node.build()
    engine = node.get_engine(config.id)
    assert engine is not None
    with ExitStack() as stack:
        engine.add_strategy(Joins(lambda: stack.enter_context(record(node))))
        assert node.run()
    assert stored(store) == []
    assert "the run had begun before `record` did" in capsys.readouterr().err
