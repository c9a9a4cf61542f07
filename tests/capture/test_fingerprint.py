"""The fingerprint of market data: every element counts, and where it is or how it is read does not."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from nautilus_trader.backtest.config import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestRunConfig,
    BacktestVenueConfig,
)
from nautilus_trader.backtest.node import BacktestNode
from nautilus_trader.config import DataCatalogConfig, LoggingConfig
from nautilus_trader.core.data import Data
from nautilus_trader.model import data as nautilus_data
from nautilus_trader.model.custom import customdataclass
from nautilus_trader.model.data import Bar, CustomData, DataType
from nautilus_trader.model.enums import InstrumentCloseType
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.test_kit.stubs.data import TestDataStubs
from nautilus_trader.trading.config import ImportableStrategyConfig

from backtest_store.capture.engine_recorder import EngineRecorder
from backtest_store.capture.identity.data_fingerprint import PART, Fingerprint, fingerprint
from backtest_store.capture.run_details import RunDetails
from backtest_store.models import Record
from tests.capture.backtests import MINUTE, backtest, bars, engine, scripted, share
from tests.capture.recorded import Kept, recorded, recorded_node

CLOSES = [100, 110, 120, 115, 110, 130]
ORDERS = {0: 10, 2: -20, 4: 10}
MANY = [100 + number % 7 for number in range(3_000)]


def test_every_bar_counts() -> None:
    many = bars(share(), MANY, step=MINUTE)
    usual = fingerprint(many)
    assert fingerprint(bars(share(), MANY, step=MINUTE)) == usual
    for place in (0, 1, 1_001, 1_500, 2_999):
        changed: list[float] = [*MANY]
        changed[place] += 0.01
        assert fingerprint(bars(share(), changed, step=MINUTE)) != usual
    assert fingerprint(many[:-1]) != usual
    assert fingerprint([many[1], many[0], *many[2:]]) != usual


def test_portions_do_not_count() -> None:
    many = bars(share(), [100] * (2 * PART + 7), step=MINUTE)
    for size in (1, 7, 1_000, PART, PART + 1):
        grown = Fingerprint()
        for start in range(0, len(many), size):
            grown.add(many[start : start + size])
        assert (grown.value, grown.count) == (fingerprint(many), len(many))


# Every class of market data, by each field of its own dictionary ------------------------------

STUBS: dict[str, Callable[[], Data]] = {
    "QuoteTick": TestDataStubs.quote_tick,
    "TradeTick": TestDataStubs.trade_tick,
    "OrderBookDelta": TestDataStubs.order_book_delta,
    "OrderBookDeltas": TestDataStubs.order_book_deltas,
    "OrderBookDepth10": TestDataStubs.order_book_depth10,
    "InstrumentStatus": TestDataStubs.instrument_status,
}


def _wide() -> Bar:
    values = Bar.to_dict(bars(share(), [100])[0])
    return Bar.from_dict(values | {"low": "90.00", "high": "110.00"})


def _close() -> nautilus_data.InstrumentClose:
    price, kind = share().make_price(1), InstrumentCloseType.END_OF_SESSION
    return nautilus_data.InstrumentClose(share().id, price, kind, 0, 0)


STUBS |= {"Bar": _wide, "InstrumentClose": _close}
OTHER_VALUES = {
    "instrument_id": "OTHER.SIM",
    "bar_type": "OTHER.SIM-1-DAY-LAST-EXTERNAL",
    "aggressor_side": "SELLER",
    "close_type": "CONTRACT_EXPIRED",
    "reason": "because",
    "trading_event": "news",
}


def _fields() -> Iterator[Any]:
    for name, stub in STUBS.items():
        kind = getattr(nautilus_data, name)
        for field in kind.to_dict(stub()):
            if field != "type":
                yield pytest.param(name, field, id=f"{name}.{field}")


def _other(field: str, value: Any) -> Any:
    if field == "action":
        return "HALT" if value == "PAUSE" else "DELETE"
    if field in OTHER_VALUES:
        return OTHER_VALUES[field]
    if isinstance(value, list):
        return [_other(field, value[0]), *value[1:]]
    return value | {"size": "77"} if isinstance(value, dict) else _other_scalar(value)


def _other_scalar(value: Any) -> Any:
    if isinstance(value, str):
        return value[:-1] + ("3" if value[-1] != "3" else "4")
    return not value if value is None or isinstance(value, bool) else value + 1


@pytest.mark.parametrize(("name", "field"), [*_fields()])
def test_each_field_of_market_data_counts(name: str, field: str) -> None:
    kind = getattr(nautilus_data, name)
    element = STUBS[name]()
    values = kind.to_dict(element)
    if field == "deltas":
        delta = TestDataStubs.order_book_delta()
        changed = kind(element.instrument_id, [delta, delta])
    else:
        changed = kind.from_dict(values | {field: _other(field, values[field])})
    assert fingerprint([element]) == fingerprint([kind.from_dict(values)])
    assert fingerprint([changed]) != fingerprint([element])


def test_a_revision_counts() -> None:
    (bar,) = bars(share(), [100])
    prices = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    revised = Bar(bar.bar_type, *prices, bar.ts_event, bar.ts_init, is_revision=True)
    assert fingerprint([bar]) != fingerprint([revised])


def test_classes_whose_texts_are_alike_differ() -> None:
    from nautilus_trader.model.data import IndexPriceUpdate, MarkPriceUpdate

    price = share().make_price(1)
    one, other = ([kind(share().id, price, 0, 0)] for kind in (MarkPriceUpdate, IndexPriceUpdate))
    assert fingerprint(one) != fingerprint(other)


@customdataclass
class Signal(Data):  # type: ignore[misc]
    """Data of the user's own, the way NautilusTrader writes it."""

    strength: float = 0.0


class Bare(Data):  # type: ignore[misc]
    """Data of the user's own, with attributes that no dictionary shows."""

    def __init__(self, strength: object) -> None:
        self._strength = strength

    @property
    def ts_event(self) -> int:
        """Return when it happened."""
        return 0

    @property
    def ts_init(self) -> int:
        """Return when it came."""
        return 0


def test_data_of_the_users_own_counts() -> None:
    for make in (lambda x: Signal(strength=x), Bare):
        assert fingerprint([make(1.00000001)]) == fingerprint([make(1.00000001)])
        assert fingerprint([make(1.00000001)]) != fingerprint([make(1.00000002)])
    wrapped = [CustomData(DataType(Signal), Signal(strength=x)) for x in (1.0, 2.0)]
    assert fingerprint(wrapped[:1]) != fingerprint(wrapped[1:])
    assert fingerprint([Bare(object())]) is None


# Where data is, and how it is read ------------------------------------------------------------


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _catalog(tmp_path_factory.mktemp("a") / "catalog", CLOSES)


def _catalog(path: Path, closes: list[int]) -> Path:
    made = ParquetDataCatalog(str(path))
    made.write_data([share()])
    made.write_data(bars(share(), closes))
    return path


def _config(path: Path | str, *, venue: dict[str, Any] | None = None, **run: Any) -> Any:
    data = run.pop("data", {})
    engine_ = run.pop("engine", {})
    strategy = ImportableStrategyConfig(
        strategy_path="tests.capture.backtests:Scripted",
        config_path="tests.capture.backtests:ScriptedConfig",
        config={
            "instrument_id": "ACME.XNAS",
            "bar_type": "ACME.XNAS-1-DAY-LAST-EXTERNAL",
            "orders": ORDERS,
        },
    )
    return BacktestRunConfig(
        engine=BacktestEngineConfig(
            strategies=[strategy], logging=LoggingConfig(bypass_logging=True), **engine_
        ),
        venues=[
            BacktestVenueConfig(
                **{
                    "name": "XNAS",
                    "oms_type": "NETTING",
                    "account_type": "MARGIN",
                    "base_currency": "USD",
                    "starting_balances": ["10000 USD"],
                }
                | (venue or {})
            )
        ],
        data=[
            BacktestDataConfig(
                **{
                    "catalog_path": str(path),
                    "data_cls": Bar,
                    "instrument_id": share().id,
                    "bar_spec": "1-DAY-LAST",
                }
                | data
            )
        ],
        raise_exception=True,
        **run,
    )


def of(path: Path | str, **run: Any) -> Record:
    (record,) = recorded_node(BacktestNode([_config(path, **run)]))
    assert record.status == "success", record.error_message
    return record


@pytest.fixture(scope="module")
def usual(catalog: Path) -> Record:
    return of(catalog)


HARMLESS: dict[str, dict[str, Any]] = {
    "one bar a chunk": {"chunk_size": 1},
    "chunks": {"chunk_size": 4},
    "one chunk": {"chunk_size": 1_000},
    "start of the data": {"start": "2024-01-01"},
    "start in full": {"start": "2024-01-01T00:00:00Z"},
    "start in the section": {"data": {"start_time": "2024-01-01T00:00:00Z"}},
    "end of the data": {"end": "2024-01-06"},
}


@pytest.mark.parametrize("name", HARMLESS)
def test_how_a_catalog_is_read_does_not_count(name: str, catalog: Path, usual: Record) -> None:
    found = of(catalog, **HARMLESS[name])
    assert found.data_fingerprint == usual.data_fingerprint
    assert found.config_hash == usual.config_hash is not None
    assert found.net_profit == usual.net_profit


def test_equivalent_spellings_of_dates_are_one(catalog: Path, usual: Record) -> None:
    spellings = ["2024-01-02", "2024-01-02T00:00:00Z", pd.Timestamp("2024-01-02", tz="UTC").value]
    hashes = {of(catalog, start=spelling).config_hash for spelling in spellings}
    assert len(hashes) == 1
    assert hashes != {usual.config_hash}


def test_where_a_catalog_is_does_not_count(
    tmp_path: Path, catalog: Path, usual: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = _catalog(tmp_path / "moved", CLOSES)
    assert of(moved).config_hash == usual.config_hash
    monkeypatch.chdir(tmp_path)
    assert of("moved").config_hash == usual.config_hash
    assert of(f"{tmp_path}/moved/../moved").config_hash == usual.config_hash


def test_a_changed_bar_counts_also_in_chunks(tmp_path: Path, usual: Record) -> None:
    other = _catalog(tmp_path / "other", [*CLOSES[:3], 116, *CLOSES[4:]])
    found = [of(other), of(other, chunk_size=1), of(other, chunk_size=4)]
    assert len({record.config_hash for record in found}) == 1
    assert found[0].config_hash not in (None, usual.config_hash)


def test_a_catalog_has_the_fingerprint_of_its_bars(usual: Record) -> None:
    assert usual.data_fingerprint == fingerprint(bars(share(), CLOSES))


def test_strategies_added_after_the_build_count(catalog: Path, usual: Record) -> None:
    config = _config(catalog)
    node = BacktestNode([config])
    node.build()
    built = node.get_engine(config.id)
    assert built is not None
    built.add_strategy(scripted(share(), {1: 5}, order_id_tag="2"))
    (record,) = recorded_node(node)
    assert record.config_hash not in (None, usual.config_hash)
    assert len(record.config_snapshot["engine"]["strategies"]) == 2
    assert BacktestRunConfig.parse(_json(record.config_snapshot)).engine is not None


def _json(snapshot: Any) -> bytes:
    import msgspec

    return msgspec.json.encode(snapshot)


def test_a_node_that_draws_is_known_by_its_seed(catalog: Path) -> None:
    def model(seed: int | None) -> dict[str, Any]:
        return {
            "fill_model": {
                "fill_model_path": "nautilus_trader.backtest.models:FillModel",
                "config_path": "nautilus_trader.backtest.config:FillModelConfig",
                "config": {"prob_slippage": 0.5, "random_seed": seed},
            }
        }

    def hash_of(seed: int | None) -> str | None:
        parsed = BacktestVenueConfig.parse(
            _json(
                {
                    "name": "XNAS",
                    "oms_type": "NETTING",
                    "account_type": "MARGIN",
                    "base_currency": "USD",
                    "starting_balances": ["10000 USD"],
                }
                | model(seed)
            )
        )
        return of(catalog, venue={"fill_model": parsed.fill_model}).config_hash

    assert hash_of(1) == hash_of(1)
    assert len({hash_of(1), hash_of(2), hash_of(None), hash_of(None)}) == 4


# What cannot be seen whole ----------------------------------------------------------------------


def test_data_that_is_loaded_as_the_run_goes_leaves_no_hash() -> None:
    made = backtest(CLOSES, ORDERS)
    made.add_data_iterator("more", iter([bars(share("OTHER"), CLOSES)]))
    record = recorded(made)
    assert (record.data_fingerprint, record.config_hash) == (None, None)
    assert record.provenance["identity_unknown"]


def test_an_engine_with_a_catalog_leaves_no_hash(catalog: Path) -> None:
    record = of(catalog, engine={"catalogs": [DataCatalogConfig(path=str(catalog))]})
    assert record.config_hash is None


def streamed(closes: list[int]) -> Record:
    made = engine(share())
    made.add_strategy(scripted(share(), ORDERS))
    kept = Kept()
    recorder = EngineRecorder(made, RunDetails(), kept)
    recorder.attach()
    for number in range(3):
        made.add_data(bars(share(), closes)[2 * number : 2 * number + 2])
        made.run(streaming=True)
        made.clear_data()
    made.end()
    recorder.detach()
    (record,) = kept.records
    return record


def test_chunks_of_a_stream_count_as_the_whole() -> None:
    record = streamed(CLOSES)
    assert record.data_fingerprint == fingerprint(bars(share(), CLOSES))
    assert record.config_hash == recorded(backtest(CLOSES, ORDERS)).config_hash is not None
    assert streamed([*CLOSES[:4], 111, 130]).config_hash not in (None, record.config_hash)
