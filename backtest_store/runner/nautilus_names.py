"""What NautilusTrader 1.x and 2.0 keep in different places, or do differently."""

from typing import TYPE_CHECKING

from backtest_store.capture.engines.supported_versions import is_v2_installed

if TYPE_CHECKING or not is_v2_installed():
    from backtest_store.runner.nautilus1.names import *  # noqa: F403
else:
    from backtest_store.runner.nautilus2.names import *  # noqa: F403
