"""What is known of NautilusTrader's insides is still so in the version that is here."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from nautilus_trader.backtest.config import BacktestVenueConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import FixedFeeModel, MakerTakerFeeModel, PerContractFeeModel
from nautilus_trader.common.component import Subscription
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.objects import Money

import backtest_store
from backtest_store.capture.engines.nautilus1 import internals
from backtest_store.capture.engines.nautilus1.exchanges import exchanges
from tests.capture.backtests import backtest, engine, share


def test_bus_tells_a_new_subscription_also_of_topics_in_use_before() -> None:
    made = backtest([100, 110, 120], {0: 10, 1: -10})
    made.run()
    made.reset()
    bus, heard = made.kernel.msgbus, list[Any]()
    before = bus.subscriptions()
    internals.listen(bus, "data.bars.*", heard.append, 7)
    internals.listen(bus, "events.position.*", heard.append, 7)
    (added, _) = [s for s in bus.subscriptions() if s not in before]
    assert isinstance(added, Subscription)
    made.run()
    assert [type(event).__name__ for event in heard].count("Bar") == 3
    assert [type(event).__name__ for event in heard].count("PositionClosed") == 1
    internals.stop_listening(bus, "data.bars.*", heard.append)
    internals.stop_listening(bus, "events.position.*", heard.append)
    assert bus.subscriptions() == before
    count = len(heard)
    made.reset()
    made.run()
    assert len(heard) == count


def test_method_is_exchanged_for_all_who_have_the_class() -> None:
    made, seen = backtest([100, 110]), list[str]()
    original = BacktestEngine.list_venues

    def list_venues(engine: BacktestEngine) -> Any:
        seen.append("called")
        return original(engine)

    internals.exchange_method(BacktestEngine, "list_venues", list_venues)
    try:
        assert len(made.list_venues()) == 1
    finally:
        internals.exchange_method(BacktestEngine, "list_venues", original)
    assert len(made.list_venues()) == 1
    assert seen == ["called"]
    assert BacktestEngine.list_venues is original


def test_exchanges_of_an_engine_are_found() -> None:
    (found,) = exchanges(backtest([100, 110]))
    assert str(found.id) == "XNAS"


def test_streams_and_data_of_an_engine_are_found() -> None:
    made = backtest([100, 110])
    assert internals.stream_names(made) == {"ACME.XNAS-1-DAY-LAST-EXTERNAL"}
    assert internals.data_names(made) == {internals.ADDED}


def test_commission_of_a_fee_model_is_found() -> None:
    paid = Money(Decimal("2.50"), USD)
    assert internals.commission_of(FixedFeeModel(paid)) == paid
    assert internals.commission_of(PerContractFeeModel(paid)) == paid
    assert internals.commission_of(MakerTakerFeeModel()) is None


def test_settlement_prices_of_an_exchange_are_found() -> None:
    acme, takes = share(), "settlement_prices" in BacktestVenueConfig.__struct_fields__
    settings: dict[str, Any] = {"settlement_prices": {acme.id: 12.5}} if takes else {}
    (found,) = exchanges(engine(acme, **settings))
    assert internals.settlement_prices(found) == ({"ACME.XNAS": 12.5} if takes else {})


def test_listener_of_an_endpoint_is_found() -> None:
    made, heard = backtest([100, 110]), list[object]()
    bus = made.kernel.msgbus
    bus.register("Someone.execute", heard.append)
    internals.endpoint(bus, "Someone.execute")("an order")
    assert heard == ["an order"]


def test_what_is_known_of_insides_is_in_one_module() -> None:
    package = Path(backtest_store.__file__).parent
    asking = [f.name for f in package.rglob("*.py") if "gc.get_referents" in f.read_text("utf-8")]
    assert asking == ["internals.py"]
