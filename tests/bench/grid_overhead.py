"""What btstore adds to a run of a grid: its CPU time against the same engines in a bare loop.

Run as a process of its own (`python -m`, this module) with the config of a grid; it prints the CPU
seconds of both, and of btstore with parts of it left out, medians of alternate rounds.
"""

import gc
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any
from unittest.mock import patch

from nautilus_trader.backtest import node as nodes
from nautilus_trader.backtest.config import BacktestRunConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.common.config import ActorFactory
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from backtest_store.capture.accounting.equity_sampler import Sampler
from backtest_store.capture.identity import git
from backtest_store.models import Record
from backtest_store.runner.config.loading import load_config
from backtest_store.runner.config_runs import Batch, RunOnce, expanded
from backtest_store.runner.grids.grid import Combination, combinations, grid_of
from backtest_store.saving import save
from backtest_store.saving.crash_journal import Entry

ROUNDS = 5


def unsaved(_: Record, entry: Entry | None = None) -> bool:
    """Take a run for saved."""
    if entry is not None:
        entry.close()
    return True


# What is left out, and what stands in its place.
PARTS: dict[str, tuple[Any, str, Callable[..., object]]] = {
    "without daily values": (Sampler, "_close_day", lambda *_: None),
    "without saves": (save, "save_record", unsaved),
    "without git": (git, "_git", lambda *_: None),
}


def bare(config: BacktestRunConfig, data: list[Any], instrument: Any) -> None:
    """Build an engine as a script does, run it and dispose of it."""
    engine = BacktestEngine(config=config.engine)
    (venue,) = config.venues
    engine.add_venue(
        venue=Venue(venue.name),
        oms_type=nodes.get_oms_type(venue),
        account_type=nodes.get_account_type(venue),
        base_currency=nodes.get_base_currency(venue),
        starting_balances=nodes.get_starting_balances(venue),
        default_leverage=Decimal(venue.default_leverage),
        fill_model=nodes.get_fill_model(venue),
        fee_model=nodes.get_fee_model(venue),
        modules=[ActorFactory.create(module) for module in venue.modules or []],
        trade_execution=True,
    )
    engine.add_instrument(instrument)
    engine.add_data(data)
    engine.run()
    engine.dispose()


def cpu(work: Callable[[Any], object], items: list[Any]) -> float:
    """Return the seconds of CPU that this process spends on some work, its threads' included."""
    gc.collect()
    start = process_time()
    for item in items:
        work(item)
    return process_time() - start


def main() -> None:
    """Measure the grid of a config."""
    loaded = load_config(Path(sys.argv[1]))
    found = combinations(loaded, grid_of(loaded))
    configs = [each.config for each in found if isinstance(each, Combination)]
    runs = [BacktestRunConfig.parse(json.dumps(expanded(each).run_config)) for each in configs]
    data = nodes.BacktestNode.load_data_config(runs[0].data[0]).data
    (instrument,) = ParquetDataCatalog(runs[0].data[0].catalog_path).instruments()
    once = RunOnce(datetime.now(UTC), Batch())
    measured: dict[str, list[float]] = {name: [] for name in ("bare", "btstore", *PARTS)}
    for _ in range(ROUNDS):
        measured["bare"].append(cpu(lambda run: bare(run, data, instrument), runs))
        measured["btstore"].append(cpu(once, configs))
        for name, (owner, part, instead) in PARTS.items():
            with patch.object(owner, part, instead):
                measured[name].append(cpu(once, configs))
    print(json.dumps({name: median(times[1:]) for name, times in measured.items()}))


if __name__ == "__main__":
    main()
