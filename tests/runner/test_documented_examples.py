"""More of NautilusTrader's documented configurations, each run by its own node and by ours.

Bars of several venues, contracts that expire, data in chunks, an execution algorithm with an actor,
limits in nanoseconds, a margin model.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.backtest.config import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestRunConfig,
    BacktestVenueConfig,
    ImportableFeeModelConfig,
)
from nautilus_trader.config import ImportableExecAlgorithmConfig, RiskEngineConfig
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider

from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.runner.test_long_form import (
    BEGINNING,
    CONFIGS,
    MODELS,
    QUIET,
    SECOND,
    catalog,
    fx_quotes,
    runs_as_the_node_runs_it,
    strategy,
    waves,
)

EXAMPLES = "nautilus_trader.examples"


def bars(instrument: Instrument, level: float, swing: float, count: int = 1200) -> list[Bar]:
    """Make bars of a minute, whose ends are apart by ten of the waves' seconds."""
    bar_type = BarType.from_str(f"{instrument.id}-10-SECOND-LAST-EXTERNAL")
    tick = float(instrument.price_increment)
    size = Quantity(1000, instrument.size_precision)
    made = []
    for time, wave in waves(count):
        close = round((level + swing * wave) / tick) * tick
        prices = (close - tick, close + 2 * tick, close - 2 * tick, close)
        made.append(Bar(bar_type, *map(instrument.make_price, prices), size, time, time))
    return made


def crossing(instrument: Instrument, size: str, tag: str) -> Any:
    return strategy(
        "EMACross", "ema_cross",
        instrument_id=str(instrument.id), bar_type=f"{instrument.id}-10-SECOND-LAST-EXTERNAL",
        fast_ema_period=5, slow_ema_period=15, trade_size=size, order_id_tag=tag,
        subscribe_trade_ticks=False,
    )  # fmt: skip


def bars_of(path: str, *wanted: Instrument) -> list[BacktestDataConfig]:
    return [
        BacktestDataConfig(
            catalog_path=path,
            data_cls=Bar,
            bar_types=[f"{instrument.id}-10-SECOND-LAST-EXTERNAL"],
        )
        for instrument in wanted
    ]


def several_venues(path: Path) -> BacktestRunConfig:
    """Return bars of shares on one venue and of a currency pair on another, risk rules for both."""
    shares = TestInstrumentProvider.equity("AAPL", "XNAS")
    pair = TestInstrumentProvider.default_fx_ccy("EUR/USD", Venue("SIM"))
    place = catalog(path, shares, bars(shares, 150, 20))
    catalog(path, pair, bars(pair, 1.1, 0.02))
    venues = [
        BacktestVenueConfig(
            name=name, oms_type=oms, account_type="MARGIN", base_currency="USD",
            starting_balances=["1_000_000 USD"], default_leverage=leverage,
        )
        for name, oms, leverage in (("XNAS", "NETTING", 2.0), ("SIM", "HEDGING", 20.0))
    ]  # fmt: skip
    return BacktestRunConfig(
        venues=venues,
        data=bars_of(place, shares, pair),
        engine=BacktestEngineConfig(
            logging=QUIET,
            risk_engine=RiskEngineConfig(max_order_submit_rate="100/00:00:01"),
            strategies=[crossing(shares, "100", "001"), crossing(pair, "100000", "002")],
        ),
    )


def contracts(path: Path) -> BacktestRunConfig:
    """Return bars of a future and of an option, each contract with a fee."""
    future = TestInstrumentProvider.es_future(2024, 3)
    option = TestInstrumentProvider.aapl_option()
    values = type(option).to_dict(option) | {
        "id": "AAPL240621C00150000.GLBX", "raw_symbol": "AAPL240621C00150000",
        "activation_ns": 0, "expiration_ns": 1_718_971_200_000_000_000,
    }  # fmt: skip
    option = type(option).from_dict(values)
    place = catalog(path, future, bars(future, 4800, 60))
    catalog(path, option, bars(option, 12, 3))
    fees = ImportableFeeModelConfig(
        fee_model_path=f"{MODELS}:PerContractFeeModel",
        config_path=f"{CONFIGS}:PerContractFeeModelConfig",
        config={"commission": "2.25 USD"},
    )
    venue = BacktestVenueConfig(
        name="GLBX", oms_type="NETTING", account_type="MARGIN", base_currency="USD",
        starting_balances=["1_000_000 USD"], fee_model=fees,
    )  # fmt: skip
    return BacktestRunConfig(
        venues=[venue],
        data=bars_of(place, future, option),
        engine=BacktestEngineConfig(
            logging=QUIET,
            strategies=[crossing(future, "2", "001"), crossing(option, "5", "002")],
        ),
    )


def in_chunks(path: Path) -> BacktestRunConfig:
    """Return the FX example with its quotes in chunks, as more data than memory holds has them."""
    dumped = json.loads(fx_quotes(path).json()) | {"chunk_size": 700}
    config: BacktestRunConfig = BacktestRunConfig.parse(json.dumps(dumped))
    return config


def executed_slowly(path: Path) -> BacktestRunConfig:
    """Return orders that an algorithm spreads over time."""
    dumped = json.loads(fx_quotes(path).json())
    twap = f"{EXAMPLES}.algorithms.twap:TWAPExecAlgorithm"
    engine = BacktestEngineConfig(
        logging=QUIET,
        exec_algorithms=[
            ImportableExecAlgorithmConfig(
                exec_algorithm_path=twap, config_path=f"{twap}Config", config={}
            )
        ],
        strategies=[
            strategy(
                "EMACrossTWAP", "ema_cross_twap",
                instrument_id="EUR/USD.SIM", bar_type="EUR/USD.SIM-5-MINUTE-BID-INTERNAL",
                fast_ema_period=3, slow_ema_period=7, trade_size="100000",
                twap_horizon_secs=30.0, twap_interval_secs=10.0,
            )
        ],
    )  # fmt: skip
    dumped["engine"] = json.loads(engine.json())
    config: BacktestRunConfig = BacktestRunConfig.parse(json.dumps(dumped))
    return config


def as_the_guide_has_it(path: Path) -> BacktestRunConfig:
    """Return the high-level guide's own: no models, its limits in nanoseconds, as a node has them."""
    dumped = json.loads(fx_quotes(path).json())
    (venue,), (data,) = dumped["venues"], dumped["data"]
    for model in ("latency_model", "fill_model", "fee_model"):
        venue[model] = None
    data["start_time"], data["end_time"] = BEGINNING + 60 * SECOND, BEGINNING + 14 * 86_400 * SECOND
    config: BacktestRunConfig = BacktestRunConfig.parse(json.dumps(dumped))
    return config


def with_a_margin_model(path: Path) -> BacktestRunConfig:
    """Return bars asked for by their specification, margins by the standard model, and limits."""
    dumped = json.loads(several_venues(path).json())
    for venue in dumped["venues"]:
        venue["margin_model"] = {"model_type": "standard", "config": {}}
    for data in dumped["data"]:
        instrument, _, spec = data["bar_types"][0].rpartition("-EXTERNAL")[0].partition("-")
        data |= {"bar_types": None, "instrument_id": instrument, "bar_spec": spec}
    dumped |= {"start": "2024-01-01T00:30:00Z", "end": "2024-01-01T03:00:00Z"}
    config: BacktestRunConfig = BacktestRunConfig.parse(json.dumps(dumped))
    return config


EXAMPLES_OF_GUIDES = [
    several_venues, contracts, in_chunks, executed_slowly, as_the_guide_has_it, with_a_margin_model,
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES_OF_GUIDES)
def test_an_example_runs_and_is_stored_as_the_node_runs_it(
    example: Callable[[Path], BacktestRunConfig],
    store: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs_as_the_node_runs_it(example(tmp_path / "catalog"), store, tmp_path, monkeypatch)
