"""The strategies of an engine: what they are called, their parameters, how to import them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backtest_store.capture.identity.json_values import path_of, plain
from backtest_store.models import Json

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.common.actor import Actor
    from nautilus_trader.trading.strategy import Strategy

NO_STRATEGY = "no strategy"


def name_of(strategies: list[Strategy]) -> str:
    """Name an engine's strategies by their classes."""
    return joined([type(strategy).__name__ for strategy in strategies])


def joined(names: list[str]) -> str:
    """Join the names of strategies' classes, each once."""
    return ", ".join(dict.fromkeys(names)) or NO_STRATEGY


def parameters_of(strategies: list[Strategy]) -> Json:
    """Return what configures the strategies, less what every strategy has; by id if several."""
    own = {str(strategy.id): _own_parameters(strategy) for strategy in strategies}
    return next(iter(own.values())) if len(own) == 1 else dict(own)


def _own_parameters(strategy: Strategy) -> Json:
    from nautilus_trader.trading.config import StrategyConfig

    everyones = frozenset(StrategyConfig.__struct_fields__)
    config = _config(strategy)
    return {name: value for name, value in config.items() if name not in everyones}


def importable_components(engine: BacktestEngine) -> Json:
    """Return strategies, actors and execution algorithms as `BacktestEngineConfig` lists them."""
    trader = engine.trader
    return {
        "strategies": [importable(strategy, "strategy") for strategy in trader.strategies()],
        "actors": [importable(actor, "actor") for actor in trader.actors()],
        "exec_algorithms": [
            importable(algorithm, "exec_algorithm") for algorithm in trader.exec_algorithms()
        ],
    }


def importable(component: Actor, kind: str) -> Json:
    """Return a component as NautilusTrader's importable configurations have it."""
    return {
        f"{kind}_path": path_of(type(component)),
        "config_path": path_of(type(component.config)),
        "config": _config(component, parseable=True),
    }


def _config(component: Actor, *, parseable: bool = False) -> Json:
    config = plain(component.config, parseable=parseable)
    return config if isinstance(config, dict) else {}
