"""The long form on 2.0, and strategies of the user's own."""

from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.persistence import ParquetDataCatalog

from backtest_store.errors import StoreError, UsageError
from backtest_store.runner.config.loading import parse_config, with_overrides
from backtest_store.runner.config_runs import execute
from backtest_store.runner.nautilus2.run_config import without_unknown
from tests.nautilus2.backtests import bars_of, share

BARS = "ACME.XNAS-1-DAY-LAST-EXTERNAL"
OWN = """
from nautilus_trader.model import BarType, InstrumentId, OrderSide
from nautilus_trader.trading import Strategy, StrategyConfig


class BuyConfig(StrategyConfig):
    def __new__(cls, *args, **kwargs):
        return super().__new__(cls)

    def __init__(self, instrument_id, bar_type, shares=10):
        super().__init__()
        self.instrument_id = InstrumentId.from_str(instrument_id)
        self.bar_type = BarType.from_str(bar_type)
        self.shares = int(shares)


class Buy(Strategy):
    def on_start(self):
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar):
        if self.portfolio.is_net_long(self.config.instrument_id):
            return
        if self.config.shares < 0:
            raise LookupError("nothing to buy")
        instrument = self.cache.instrument(self.config.instrument_id)
        self.submit_order(
            self.order_factory.market(
                instrument_id=instrument.id,
                order_side=OrderSide.BUY,
                quantity=instrument.make_qty(self.config.shares),
            )
        )
"""


@pytest.fixture
def long(tmp_path: Path) -> dict[str, Any]:
    """A configuration that buys ten shares, on a catalog of four days."""
    (tmp_path / "own_strategies.py").write_text(OWN)
    catalog = ParquetDataCatalog(str(tmp_path))
    catalog.write_instruments([share()])
    catalog.write_bars(bars_of(share(), [100, 110, 120, 130]))
    return {
        "directory": str(tmp_path),
        "venues": [
            {
                "name": "XNAS",
                "oms_type": "NETTING",
                "account_type": "MARGIN",
                "base_currency": "USD",
                "starting_balances": ["100000 USD"],
                "leverages": {"ACME.XNAS": "2"},
                "fee_model": {
                    "path": "nautilus_trader.execution:FixedFeeModel",
                    "arguments": {"commission": "1.50 USD"},
                },
            }
        ],
        "data": [{"data_type": "Bar", "catalog_path": ".", "bar_types": [BARS]}],
        "engine": {
            "trader_id": "TRADER-007",
            "risk_engine": {"bypass": True},
            "strategies": [
                {
                    "strategy_path": "own_strategies:Buy",
                    "config_path": "own_strategies:BuyConfig",
                    "config": {"instrument_id": "ACME.XNAS", "bar_type": BARS},
                }
            ],
        },
    }


def changed(long: dict[str, Any], **settings: Any) -> Any:
    """Run the configuration with other values, by their dotted keys."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    return execute(with_overrides(parse_config(long, origin="long.toml"), named))


def test_a_strategy_of_one_s_own_is_run_from_a_catalog(store: str, long: dict[str, Any]) -> None:
    ran = changed(long)
    assert (ran.strategy_name, ran.status) == ("Buy", "success")
    # Ten shares from 100 to 130, less the fee.
    assert float(ran.net_profit or 0) == 10 * 30 - 1.5
    assert ran.parameters == {"bar_type": BARS, "instrument_id": "ACME.XNAS", "shares": 10}
    assert ran.config_hash is not None
    assert any("own_strategies" in name for name in ran.provenance["source_sha256"])


def test_dates_bound_the_run(store: str, long: dict[str, Any]) -> None:
    ran = changed(long | {"start": "2024-01-02", "end": "2024-01-03T12:00:00Z"})
    assert ran.returns_count == 2


def test_what_a_callback_raises_fails_the_run(store: str, long: dict[str, Any]) -> None:
    ran = changed(long, shares=-1)
    assert (ran.status, ran.error_type) == ("failed", "LookupError")
    assert "own_strategies.py" in str(ran.error_traceback)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("venues__0__oms_typ", "NETTING", "did you mean 'oms_type'"),
        ("venues__0__oms_type", "NETTIN", "Matching variant not found"),
        ("venues__0__base_currency", "USDOLLAR_", "base_currency"),
        ("venues__0__starting_balances", ["5 XYZ"], "5 XYZ"),
        ("venues__0__fee_model", "free", "is a table with"),
        ("venues__0__fee_model__path", "nautilus_trader.execution:FreeModel", "no class"),
        ("venues__0__fee_model__arguments", {"commission": "much"}, "fee_model"),
        ("data__0__data_type", "Bars", "did you mean 'Bar'"),
        ("data__0__bar_types", ["ACME.XNAS-1-HOUR-LAST-EXTERNAL"], "has no Bar of"),
        ("data__0__bar_types", ["ACMEE.XNAS-1-DAY-LAST-EXTERNAL"], "has no Bar of"),
        ("engine__loging", {}, "did you mean 'logging'"),
        ("engine__strategies__0__config__many", 3, "many"),
        ("engine__strategies__0__strategy_path", "own_strategies:Bye", "did you mean 'Buy'"),
        ("data__0__start_time", "soon", "soon"),
    ],
)
def test_a_mistake_is_told_by_its_key_and_value(
    store: str, long: dict[str, Any], key: str, value: object, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        changed(long, **{key: value})
    assert said in str(caught.value)


def test_a_configuration_of_1_x_is_refused() -> None:
    with pytest.raises(StoreError, match=r"it is of 1\.x"):
        without_unknown({"data": [{"data_cls": "nautilus_trader.model.data:Bar"}]})
