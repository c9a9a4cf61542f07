"""The venues of an engine, as a `BacktestVenueConfig` would have them."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from backtest_store.capture.identity.components import importable
from backtest_store.capture.identity.json_values import path_of, plain
from backtest_store.models import Json, Plain

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine, SimulatedExchange

MODELS = ("fill_model", "fee_model", "latency_model")
MARGIN_MODELS = {"StandardMarginModel": "standard", "LeveragedMarginModel": "leveraged"}


def exchanges(engine: BacktestEngine) -> list[SimulatedExchange]:
    """Return the simulated exchanges of an engine.

    The engine shows their ids alone, yet everything that decides about fills and fees is theirs.
    """
    from nautilus_trader.backtest.engine import SimulatedExchange

    found = [
        exchange
        for held in gc.get_referents(engine)
        if isinstance(held, dict)
        for exchange in held.values()
        if isinstance(exchange, SimulatedExchange)
    ]
    order = {venue: position for position, venue in enumerate(engine.list_venues())}
    return sorted(found, key=lambda exchange: order.get(exchange.id, len(order)))


def venue_config(exchange: SimulatedExchange) -> Json:
    """Describe an exchange in the terms of `BacktestVenueConfig`, as far as it can be known."""
    from nautilus_trader.backtest.config import BacktestVenueConfig

    names = BacktestVenueConfig.__struct_fields__
    config = {name: plain(getattr(exchange, name)) for name in names if hasattr(exchange, name)}
    config.update({name: model_config(exchange, name) for name in MODELS})
    account = exchange.exec_client.get_account()
    return config | {
        "name": str(exchange.id),
        "default_leverage": float(exchange.default_leverage),
        "leverages": {str(k): float(v) for k, v in exchange.leverages.items()} or None,
        "margin_model": _margin_model(exchange),
        "modules": [importable(module, "actor") for module in exchange.modules] or None,
        "frozen_account": bool(exchange.is_frozen_account),
        "allow_cash_borrowing": bool(getattr(account, "allow_borrowing", False)),
    }


def model_config(exchange: SimulatedExchange, name: str) -> Json | None:
    """Describe a fill, fee or latency model by its class and what can be seen of its settings."""
    model = getattr(exchange, name, None)
    if model is None:
        return None
    return {
        f"{name}_path": path_of(type(model)),
        "config_path": _config_path(type(model)),
        "config": _settings(model),
    }


def _config_path(model: type) -> str | None:
    from nautilus_trader.backtest import config

    found = getattr(config, f"{model.__name__}Config", None)
    return None if found is None else path_of(found)


def _settings(model: object) -> dict[str, Plain]:
    settings = {name: plain(getattr(model, name)) for name in _properties(model)}
    # A fee model keeps its commission to itself, and it changes every result.
    amounts = [str(held) for held in gc.get_referents(model) if type(held).__name__ == "Money"]
    return settings | ({"commission": amounts[0]} if amounts else {})


def _properties(model: object) -> list[str]:
    return [
        name
        for name in sorted({*dir(type(model)), *getattr(model, "__dict__", {})})
        if not name.startswith("_") and not callable(getattr(model, name, None))
    ]


def _margin_model(exchange: SimulatedExchange) -> Json | None:
    model = getattr(exchange, "margin_model", None)
    if model is None:
        return None
    return {"model_type": MARGIN_MODELS.get(type(model).__name__, path_of(type(model)))}
