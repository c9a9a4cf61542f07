"""Whatever callback of a component raises, its run has failed, and the traceback is stored."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from types import FunctionType
from typing import Any

import pytest
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import AccountType, Money, OmsType, QuoteTick, Venue

from backtest_store import record
from backtest_store.models import Record
from tests.capture.stores import only
from tests.nautilus2.backtests import QUIET, USD
from tests.nautilus2.components import SHARE, Executes, Trades, Watches, made_of, market


def named(name: str, kind: type, wrap: Callable[[Any], Any] = lambda given: given) -> type:
    """Return a class whose callback of this name raises, in a function of that name."""

    def callback(self: Any, *_: Any) -> None:
        self.__class__.calls += 1
        raise LookupError(f"raised in {name}")

    code = callback.__code__.replace(co_name=name)
    raising = FunctionType(code, globals(), name, closure=callback.__closure__)
    return type("Raises", (kind,), {name: wrap(raising), "calls": 0})


def recorded(component: Any) -> Record:
    """Run an engine that has this component, and those that give it something to hear."""
    made = BacktestEngine(BacktestEngineConfig(logging=QUIET))
    made.add_venue(
        venue=Venue("XNAS"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USD,
        starting_balances=[Money(100_000, USD)],
        fee_model=MakerTakerFeeModel(0, 0),
    )
    made.add_instrument(SHARE)
    made.add_data(list(market()))
    kinds = {Trades: "strategy", Watches: "actor", Executes: "exec_algorithm"}
    for kind, name in kinds.items():
        mine = component if isinstance(component, kind) else made_of(kind)
        getattr(made, f"add_{name}")(mine)
    # An engine raises what kept it from starting.
    with record(made) as recording, suppress(RuntimeError):
        made.run()
    made.dispose()
    (saved,) = recording.records
    return saved


ANYONES = (
    "on_bar on_book on_book_deltas on_data on_funding_rate on_index_price on_instrument_close"
    " on_instrument_status on_mark_price on_quote on_signal on_start on_stop on_time_event on_trade"
    " tick hear"
)
OF_ORDERS = "on_order_event on_order_filled on_order_submitted"
OF_POSITIONS = "on_position_changed on_position_event on_position_opened"
CALLED: dict[type, str] = {
    Watches: ANYONES,
    Trades: f"{ANYONES} {OF_ORDERS} {OF_POSITIONS} on_order_accepted on_order_canceled"
    " on_order_denied on_order_emulated on_order_expired on_order_initialized"
    " on_order_modify_rejected on_order_pending_cancel on_order_pending_update on_order_rejected"
    " on_order_released on_order_updated on_position_closed",
    Executes: f"{OF_ORDERS} {OF_POSITIONS} on_order on_signal on_start on_stop on_time_event",
}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(kind, name, id=f"{kind.__name__}.{name}")
        for kind, names in CALLED.items()
        for name in names.split()
    ],
)
def test_a_run_of_whose_callbacks_one_raises_has_failed(store: str, kind: type, name: str) -> None:
    raises = named(name, kind)
    saved = recorded(made_of(raises))
    assert raises.calls
    assert saved.status == only(store)["status"] == "failed"
    assert (saved.error_type, saved.error_message) == ("LookupError", f"raised in {name}")
    assert f"in {name}\n" in str(saved.error_traceback)
    assert __file__ in str(saved.error_traceback)


def decorated(original: Any) -> Any:
    """Wrap a function in one of another name."""

    @wraps(original)
    def wrapper(*args: Any) -> Any:
        return original(*args)

    return wrapper


@pytest.mark.parametrize("name", ["on_quote", "on_signal", "on_order_initialized", "hear"])
def test_a_callback_may_be_decorated(store: str, name: str) -> None:
    saved = recorded(named(name, Trades, decorated)())
    assert only(store)["status"] == "failed"
    assert saved.error_message == f"raised in {name}"


class Catches(Trades):
    """Catches what it raises itself, and what comes of what it calls."""

    def on_signal(self, _: object) -> None:
        """Raise and catch."""
        try:
            self.hear("nothing")
        except LookupError:
            return

    def hear(self, message: object) -> None:
        """Raise for its caller alone."""
        if message == "nothing":
            raise LookupError

    def on_quote(self, quote: QuoteTick) -> None:
        """Call what raises in compiled code that takes it for an answer."""
        assert not hasattr(self, "lacking")
        super().on_quote(quote)

    @property
    def lacking(self) -> None:
        """Say that there is none."""
        raise AttributeError


def test_what_a_callback_catches_fails_nothing(store: str) -> None:
    recorded(Catches())
    assert only(store)["status"] == "success"
