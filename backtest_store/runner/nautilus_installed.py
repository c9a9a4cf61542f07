"""The modules that run configurations on the NautilusTrader that is installed, 1.x or 2.0."""

from typing import TYPE_CHECKING

from backtest_store.capture.engines.supported_versions import is_v2_installed

if TYPE_CHECKING or not is_v2_installed():
    from backtest_store.runner.nautilus1 import node, run_config, venue_settings
else:
    from backtest_store.runner.nautilus2 import node, run_config, venue_settings

__all__ = ["node", "run_config", "venue_settings"]
