"""What NautilusTrader 1.x keeps to itself, and how it is reached: this module alone knows.

Its classes are compiled, and show neither their private attributes nor take new methods. What
they hold can be asked of the garbage collector, and a method is exchanged in the class's own
dictionary: the class stays the same object, with its bases, its layout and its C functions, which
other compiled modules are bound to.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine, SimulatedExchange
    from nautilus_trader.common.component import MessageBus
    from nautilus_trader.model.objects import Money

T = TypeVar("T")
Handler = Callable[[Any], None]
# Under this name an engine replays what `add_data` was given; other names load as the run goes.
ADDED = "backtest_data"


def held(owner: object, kind: type[T]) -> Iterator[T]:
    """Yield what an object holds of a type, private attributes included."""
    return (value for value in gc.get_referents(owner) if isinstance(value, kind))


def exchanges_of(engine: BacktestEngine) -> list[SimulatedExchange]:
    """Return the simulated exchanges of an engine, which shows their ids alone."""
    from nautilus_trader.backtest.engine import SimulatedExchange

    values = (value for table in held(engine, dict) for value in table.values())
    return [value for value in values if isinstance(value, SimulatedExchange)]


def stream_names(engine: BacktestEngine) -> set[str]:
    """Return what an engine keeps its streams under: bar types, and ticks by instrument."""
    return {name for names in held(engine, set) for name in names if isinstance(name, str)}


def data_names(engine: BacktestEngine) -> set[str]:
    """Return what an engine replays its data under."""
    from nautilus_trader.backtest.engine import BacktestDataIterator

    iterators = held(engine, BacktestDataIterator)
    return {name for iterator in iterators for name in iterator.all_data()}


def holds_all(engine: BacktestEngine) -> bool:
    """Tell whether an engine holds all that it replays: no iterator and no catalog feeds it."""
    return data_names(engine) <= {ADDED} and not engine.kernel.catalogs


def commission_of(fee_model: object) -> Money | None:
    """Return the amount that a fee model of NautilusTrader's keeps to itself, if it has one."""
    from nautilus_trader.model.objects import Money

    return next(held(fee_model, Money), None)


def settlement_prices(exchange: SimulatedExchange) -> dict[str, float]:
    """Return the prices at which instruments expire; the exchange alone knows them."""
    return {
        str(instrument): float(price)
        for table in held(exchange, dict)
        for instrument, price in table.items()
        if type(instrument).__name__ == "InstrumentId" and isinstance(price, float | int)
    }


def endpoint(bus: MessageBus, name: str) -> Handler:
    """Return who listens at an endpoint of a message bus, which shows the names alone."""
    handler: Handler = next(table for table in held(bus, dict) if name in table)[name]
    return handler


def exchange_method(owner: type, name: str, method: Callable[..., Any]) -> None:
    """Exchange a method of a compiled class, for all who have the class already."""
    (names,) = (n for n in gc.get_referents(owner.__dict__) if isinstance(n, dict))
    names[name] = method
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(owner))


def listen(bus: MessageBus, topic: str, handler: Handler, priority: int) -> None:
    """Subscribe to a topic without the line that the bus writes to the engine's log.

    A subscription through the bus would also, on 1.221, not hear of topics that match its
    wildcard and were in use before.
    """
    from nautilus_trader.common.component import Subscription

    subscriptions = _subscriptions(bus)
    subscriptions[Subscription(topic=topic, handler=handler, priority=priority)] = []
    _resolve_anew(bus)


def stop_listening(bus: MessageBus, topic: str, handler: Handler) -> None:
    """Take back a subscription, as silently."""
    from nautilus_trader.common.component import Subscription

    with suppress(StopIteration):  # the bus of an engine that was disposed of has none left
        if _subscriptions(bus).pop(Subscription(topic=topic, handler=handler), None) is not None:
            _resolve_anew(bus)


def _subscriptions(bus: MessageBus) -> dict[object, list[str]]:
    """Return what a bus knows its subscriptions by; it has some of its own from the beginning."""
    from nautilus_trader.common.component import Subscription

    return next(d for d in held(bus, dict) if isinstance(next(iter(d), None), Subscription))


def _resolve_anew(bus: MessageBus) -> None:
    """Have a bus look up again who hears of each topic, when it next has a message on it."""
    for table in held(bus, dict):
        topic, handlers = next(iter(table.items()), (None, None))
        if isinstance(topic, str) and not callable(handlers):  # as endpoints are
            table.clear()
