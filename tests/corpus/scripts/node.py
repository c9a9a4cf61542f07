"""A node with a configuration that works and one that fails."""

import tempfile
from pathlib import Path

from nautilus_trader.backtest.node import BacktestNode

from tests.capture.test_node import fill, run_config

with tempfile.TemporaryDirectory() as folder:
    catalog = fill(Path(folder), [100, 110, 120])
    results = BacktestNode([run_config(catalog), run_config(catalog, {"raise_at": 1})]).run()
    print(len(results), results[0].total_positions)
