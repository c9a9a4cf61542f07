"""The venues of an engine, as a `BacktestVenueConfig` would have them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from backtest_store.capture.engines.nautilus1 import internals
from backtest_store.capture.identity.components import attributes_of, compiled_state, importable
from backtest_store.capture.identity.json_values import path_of, plain
from backtest_store.models import Json, JsonValue

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine, SimulatedExchange
    from nautilus_trader.backtest.modules import SimulationModule

MODELS = ("fill_model", "fee_model", "latency_model")
MARGIN_MODELS = {"StandardMarginModel": "standard", "LeveragedMarginModel": "leveraged"}


def exchanges(engine: BacktestEngine) -> list[SimulatedExchange]:
    """Return the simulated exchanges of an engine: all that decides about fills and fees."""
    order = {venue: position for position, venue in enumerate(engine.list_venues())}
    return sorted(
        internals.exchanges_of(engine), key=lambda exchange: order.get(exchange.id, len(order))
    )


def venue_config(exchange: SimulatedExchange) -> Json:
    """Describe an exchange in the terms of `BacktestVenueConfig`, as far as it can be known."""
    from nautilus_trader.backtest.config import BacktestVenueConfig

    names = BacktestVenueConfig.__struct_fields__
    config = {name: plain(getattr(exchange, name)) for name in names if hasattr(exchange, name)}
    config.update({name: model_config(exchange, name) for name in MODELS})
    account = exchange.exec_client.get_account()
    settled = internals.settlement_prices(exchange)
    return config | {
        "name": str(exchange.id),
        "default_leverage": float(exchange.default_leverage),
        "leverages": {str(k): float(v) for k, v in exchange.leverages.items()} or None,
        "margin_model": _margin_model(exchange),
        "modules": [_module(module) for module in exchange.modules] or None,
        "routing": exchange.exec_client.venue is None,
        "frozen_account": bool(exchange.is_frozen_account),
        "allow_cash_borrowing": bool(getattr(account, "allow_borrowing", False)),
        **({"settlement_prices": settled} if settled else {}),
    }


def kept_by_the_process(engine: BacktestEngine, snapshot: Json | None) -> list[str]:
    """Say which accounts are not what their venues are configured to have.

    NautilusTrader keeps for the whole process that the account of a venue of a name is calculated,
    or may borrow, and no later engine can take it back.
    """
    venues = (snapshot or {}).get("venues") or ()
    said = {str(venue.get("name")): venue for venue in venues}
    kept = []
    for exchange in exchanges(engine):
        name, account = str(exchange.id), exchange.exec_client.get_account()
        asked = said.get(name, {"allow_cash_borrowing": True})
        if asked.get("frozen_account") and account.calculate_account_state:
            kept.append((name, "was not frozen"))
        may_borrow = getattr(account, "allow_borrowing", False)
        if may_borrow and not asked.get("allow_cash_borrowing"):
            kept.append((name, "could borrow"))
    why = "because of an earlier run on that venue in this process"
    return [f"the account of {name} {was}, {why}" for name, was in kept]


def venue_settings(exchange: SimulatedExchange) -> Json:
    """Return what an exchange shows of its settings and `BacktestVenueConfig` does not name."""
    from nautilus_trader.backtest.config import BacktestVenueConfig

    shown = {name: getattr(exchange, name) for name in dir(exchange) if not name.startswith("_")}
    return {
        name: plain(value)
        for name, value in shown.items()
        if isinstance(value, bool | int | float | str | Decimal)
        and name not in BacktestVenueConfig.__struct_fields__
    }


def model_config(exchange: SimulatedExchange, name: str) -> Json | None:
    """Describe a fill, fee or latency model by its class and all that it holds."""
    model = getattr(exchange, name, None)
    if model is None:
        return None
    return {
        f"{name}_path": path_of(type(model)),
        "config_path": _config_path(type(model)),
        "config": _settings(model),
    }


def model_classes(exchange: SimulatedExchange) -> list[type]:
    """Return the classes of all that decides about an exchange's fills, fees and margins."""
    models = [getattr(exchange, name, None) for name in (*MODELS, "margin_model")]
    return [type(model) for model in (*models, *exchange.modules) if model is not None]


def _config_path(model: type) -> str | None:
    from nautilus_trader.backtest import config

    found = getattr(config, f"{model.__name__}Config", None)
    return None if found is None else path_of(found)


def _settings(model: object) -> dict[str, JsonValue]:
    settings = {name: plain(getattr(model, name)) for name in _properties(model)}
    commission = internals.commission_of(model)
    settings |= {} if commission is None else {"commission": str(commission)}
    return settings | attributes_of(model) | {"state": compiled_state(model)}


def _properties(model: object) -> list[str]:
    return [
        name
        for name in sorted(dir(type(model)))
        if not name.startswith("_") and not callable(getattr(model, name, None))
    ]


def _margin_model(exchange: SimulatedExchange) -> Json | None:
    model = getattr(exchange, "margin_model", None)
    if model is None:
        return None
    kind = MARGIN_MODELS.get(type(model).__name__, path_of(type(model)))
    held = attributes_of(model)
    return {"model_type": kind, "config": held} if held else {"model_type": kind}


def _module(module: SimulationModule) -> Json:
    described = importable(module, "actor")
    return described | {"config": described["config"] | attributes_of(module)}
