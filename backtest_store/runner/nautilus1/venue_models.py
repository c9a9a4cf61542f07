"""What a venue of the short form charges, and what it lets an account carry.

NautilusTrader imports these by the paths that a run's configuration names, so that whoever has
this package can run the configuration without `btstore`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nautilus_trader.backtest.config import FeeModelConfig, FillModelConfig, SimulationModuleConfig
from nautilus_trader.backtest.models import FeeModel, FillModel
from nautilus_trader.backtest.modules import SimulationModule
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import SubmitOrder, SubmitOrderList
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderType
from nautilus_trader.model.events import OrderDenied
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.orders import Order

from backtest_store.capture.engines.nautilus1 import internals
from backtest_store.runner.slippage import WorseFills

IS_CODE_OF_RUNS = True
_RISK_CHECK = "RiskEngine.execute"


class RateFeeModelConfig(FeeModelConfig, frozen=True):
    """How much `RateFeeModel` charges.

    Parameters
    ----------
    maker_fee, taker_fee : Decimal, default 0
        Fractions of the value of a fill.
    """

    maker_fee: Decimal = Decimal(0)
    taker_fee: Decimal = Decimal(0)


class RateFeeModel(FeeModel):  # type: ignore[misc]  # Cython class, without types
    """Charge fractions of each fill's value, whatever fees the instrument has."""

    def __init__(self, config: RateFeeModelConfig) -> None:
        self._maker, self._taker = config.maker_fee, config.taker_fee

    def get_commission(
        self, order: Order, fill_qty: Quantity, fill_px: Price, instrument: Instrument
    ) -> Money:
        """Return what a fill costs."""
        rate = self._maker if order.liquidity_side == LiquiditySide.MAKER else self._taker
        value = instrument.notional_value(fill_qty, fill_px)
        return Money(value.as_decimal() * rate, value.currency)


class SlippageFillModelConfig(FillModelConfig, frozen=True):
    """By how much `SlippageFillModel` worsens fills.

    Parameters
    ----------
    ticks : int, default 0
        Of the instrument's price increments.
    fraction : float, default 0
        Of the price, rounded to the next worse tick.
    """

    ticks: int = 0
    fraction: float = 0.0


class SlippageFillModel(WorseFills, FillModel):  # type: ignore[misc]  # Cython class, without types
    """Fill every order that takes liquidity at a price that is worse by a fixed measure."""

    def __init__(self, config: SlippageFillModelConfig) -> None:
        super().__init__(random_seed=config.random_seed)
        self._ticks, self._fraction = config.ticks, Decimal(str(config.fraction))


class MarginCheckConfig(SimulationModuleConfig, frozen=True):
    """`MarginCheck` has no settings: the account's leverage and the instruments decide."""


class MarginCheck(SimulationModule):  # type: ignore[misc]  # Cython class, without types
    """Refuse an order that would take positions beyond what a margin account can carry.

    NautilusTrader checks the orders of cash accounts alone. A venue does not: the margin of all
    positions, after the order, may not be more than the account's equity. An instrument's margin
    is its `margin_init` times its value by the account's leverage; one without margin counts by
    its whole value. Orders that only reduce a position always pass.
    """

    def __init__(self, config: MarginCheckConfig) -> None:
        super().__init__(config)
        self._forward: Callable[[Any], None] | None = None

    def pre_process(self, data: object) -> None:  # noqa: ARG002 - the engine's signature
        """Stand before the risk engine from the first data on."""
        if self._forward is None:
            self._forward = internals.endpoint(self.msgbus, _RISK_CHECK)
            self.msgbus.deregister(_RISK_CHECK, self._forward)
            self.msgbus.register(_RISK_CHECK, self._check)

    def process(self, ts_now: int) -> None:
        """Do nothing as time goes on."""

    def log_diagnostics(self, logger: object) -> None:
        """Log nothing."""

    def reset(self) -> None:
        """Keep nothing between runs."""

    def _check(self, command: object) -> None:
        orders = _orders_of(command)
        if orders and orders[0].instrument_id.venue == self.exchange.id:
            reason = self._refusal(orders[0].instrument_id, orders)
            if reason is not None:
                for order in orders:
                    self._deny(order, reason)
                return
        if self._forward is not None:
            self._forward(command)

    def _refusal(self, instrument_id: InstrumentId, orders: list[Order]) -> str | None:
        instrument = self.cache.instrument(instrument_id)
        account = self.exchange.exec_client.get_account()
        if instrument is None or account is None or not account.is_margin_account:
            return None
        held = self._held(instrument_id)
        after = self._after(instrument_id, orders[0], held)
        if abs(after) <= abs(held):
            return None
        currency = account.base_currency or instrument.get_settlement_currency()
        needed = self._margin(account, instrument, abs(after), _limit(orders[0]))
        needed += sum(self._margin_held(account, other) for other in self._others(instrument_id))
        equity = account.balance_total(currency).as_decimal() + self._open_profit(currency)
        if needed <= equity:
            return None
        return f"INSUFFICIENT_MARGIN: needs {needed:.2f} {currency}, equity is {equity:.2f}"

    def _held(self, instrument_id: InstrumentId) -> Decimal:
        positions = self.cache.positions_open(instrument_id=instrument_id)
        return sum((p.signed_decimal_qty() for p in positions), Decimal(0))

    def _after(self, instrument_id: InstrumentId, order: Order, held: Decimal) -> Decimal:
        """Return the position once this order, and those before it that will, are filled."""
        waiting = [
            *self.cache.orders_inflight(instrument_id=instrument_id),
            *self.cache.orders_open(instrument_id=instrument_id),
        ]
        before = {
            other.client_order_id: other
            for other in waiting
            if other.client_order_id != order.client_order_id
            and (other.order_type == OrderType.MARKET or other.side == order.side)
        }
        return held + sum((_signed(other) for other in before.values()), _signed(order))

    def _others(self, instrument_id: InstrumentId) -> set[InstrumentId]:
        positions = self.cache.positions_open(venue=self.exchange.id)
        return {position.instrument_id for position in positions} - {instrument_id}

    def _margin_held(self, account: Any, instrument_id: InstrumentId) -> Decimal:
        instrument = self.cache.instrument(instrument_id)
        return self._margin(account, instrument, abs(self._held(instrument_id)), None)

    def _margin(
        self, account: Any, instrument: Instrument, quantity: Decimal, limit: Price | None
    ) -> Decimal:
        price = limit or self.exchange.best_ask_price(instrument.id)
        if price is None or not quantity:
            return Decimal(0)
        value = instrument.notional_value(Quantity(quantity, instrument.size_precision), price)
        leverage = account.leverages().get(instrument.id, account.default_leverage)
        return Decimal(value.as_decimal() * (instrument.margin_init or 1) / leverage)

    def _open_profit(self, currency: object) -> Decimal:
        profits = self.portfolio.unrealized_pnls(self.exchange.id)
        return sum((p.as_decimal() for c, p in profits.items() if c == currency), Decimal(0))

    def _deny(self, order: Order, reason: str) -> None:
        now = self.clock.timestamp_ns()
        denied = OrderDenied(
            order.trader_id, order.strategy_id, order.instrument_id, order.client_order_id,
            reason, UUID4(), now,
        )  # fmt: skip
        if not self.cache.order_exists(order.client_order_id):
            self.cache.add_order(order)
        self.msgbus.send("ExecEngine.process", denied)


def _orders_of(command: object) -> list[Order]:
    if isinstance(command, SubmitOrder):
        return [command.order]
    return command.order_list.orders if isinstance(command, SubmitOrderList) else []


def _signed(order: Order) -> Decimal:
    quantity: Decimal = order.leaves_qty.as_decimal()
    return quantity if order.side == OrderSide.BUY else -quantity


def _limit(order: Order) -> Price | None:
    return order.price if order.has_price else None
