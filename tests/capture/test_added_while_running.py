"""What comes into being as a run goes: instruments by request, strategies by a controller."""

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import ActorConfig, LoggingConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money
from nautilus_trader.trading.config import ImportableControllerConfig
from nautilus_trader.trading.controller import Controller
from nautilus_trader.trading.trader import Trader

from tests.capture.backtests import Scripted, backtest, bars, scripted, share
from tests.capture.recorded import recorded

CLOSES = [100, 110, 120, 115]


class Asking(Scripted):
    """Gets to know an instrument as it goes."""

    def on_start(self) -> None:
        """Take a second instrument into the cache, as the answer to a request is."""
        super().on_start()
        self.cache.add_instrument(share("LATER"))


def test_instruments_that_came_by_request_are_listed() -> None:
    made = backtest(CLOSES, {0: 10})
    (old,) = made.trader.strategies()
    made.clear_strategies()
    made.add_strategy(Asking(old.config))
    assert recorded(made).instrument_ids == ["ACME.XNAS", "LATER.XNAS"]


class Hiring(Controller):
    """Adds a strategy when the run begins."""

    def __init__(self, trader: Trader, config: ActorConfig) -> None:
        super().__init__(trader=trader, config=config)

    def on_start(self) -> None:
        """Add it."""
        self.create_strategy(scripted(share(), {0: 10, 2: -10}, order_id_tag="9"), start=True)


def test_strategies_of_a_controller_are_named() -> None:
    made = BacktestEngine(
        BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True),
            controller=ImportableControllerConfig(
                controller_path=f"{Hiring.__module__}:Hiring",
                config_path="nautilus_trader.config:ActorConfig",
                config={},
            ),
        )
    )
    made.add_venue(
        Venue("XNAS"), OmsType.NETTING, AccountType.MARGIN, [Money(10_000, USD)], base_currency=USD
    )
    made.add_instrument(share())
    made.add_data(bars(share(), CLOSES))
    record = recorded(made)
    assert record.total_trades == 1
    assert record.strategy_name == "Scripted"
    assert record.parameters["orders"] == {"0": "10", "2": "-10"}
