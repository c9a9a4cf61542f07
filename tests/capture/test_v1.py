"""What is known of NautilusTrader's insides is still so in the version that is here."""

from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.common.component import Subscription

from backtest_store.capture.engines import v1
from backtest_store.capture.engines.exchanges import exchanges
from tests.capture.backtests import backtest


def test_bus_tells_a_new_subscription_also_of_topics_in_use_before() -> None:
    made = backtest([100, 110, 120], {0: 10, 1: -10})
    made.run()
    made.reset()
    bus, heard = made.kernel.msgbus, list[Any]()
    before = bus.subscriptions()
    v1.listen(bus, "data.bars.*", heard.append, 7)
    v1.listen(bus, "events.position.*", heard.append, 7)
    (added, _) = [s for s in bus.subscriptions() if s not in before]
    assert isinstance(added, Subscription)
    made.run()
    assert [type(event).__name__ for event in heard].count("Bar") == 3
    assert [type(event).__name__ for event in heard].count("PositionClosed") == 1
    v1.stop_listening(bus, "data.bars.*", heard.append)
    v1.stop_listening(bus, "events.position.*", heard.append)
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

    v1.exchange_method(BacktestEngine, "list_venues", list_venues)
    try:
        assert len(made.list_venues()) == 1
    finally:
        v1.exchange_method(BacktestEngine, "list_venues", original)
    assert len(made.list_venues()) == 1
    assert seen == ["called"]
    assert BacktestEngine.list_venues is original


def test_exchanges_of_an_engine_are_found() -> None:
    (found,) = exchanges(backtest([100, 110]))
    assert str(found.id) == "XNAS"
