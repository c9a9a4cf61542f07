"""What a strategy needs to know of the NautilusTrader that is here: 1.x or 2.0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backtest_store.capture.engines.version import is_second_here

if TYPE_CHECKING or not is_second_here():
    from nautilus_trader.config import StrategyConfig
    from nautilus_trader.model.enums import OrderSide, PositionSide
else:
    from nautilus_trader.model import OrderSide, PositionSide

    from backtest_store.runner.strategies.annotated_config import AnnotatedConfig as StrategyConfig

__all__ = ["OrderSide", "PositionSide", "StrategyConfig"]
