"""Record a run without a store."""

from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.node import BacktestNode

from backtest_store.capture.engine_recorder import EngineRecorder, StoreSink
from backtest_store.capture.engines.nautilus1.node import NodeRecorder
from backtest_store.capture.run_details import RunDetails
from backtest_store.models import Record
from backtest_store.saving.crash_journal import Entry


class Kept(StoreSink):
    """Keeps the records of runs."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def begin(self, record: Record) -> Entry:  # noqa: ARG002
        """Note nothing: nobody dies here."""
        return Entry(None)

    def save(self, record: Record, entry: Entry | None) -> bool:  # noqa: ARG002
        """Keep a run."""
        self.records.append(record)
        return True


def recorded(made: BacktestEngine, details: RunDetails | None = None, **run: Any) -> Record:
    """Run an engine once, and return what is recorded of the run, however it ended."""
    kept = Kept()
    recorder = EngineRecorder(made, details or RunDetails(), kept)
    recorder.attach()
    try:
        made.run(**run)
    except Exception as error:  # noqa: BLE001 - it is in the record
        recorder.detach(error)
    recorder.detach()
    (record,) = kept.records
    return record


def recorded_node(node: BacktestNode) -> list[Record]:
    """Run a node, and return what is recorded of its runs."""
    kept = Kept()
    recorder = NodeRecorder(node, RunDetails(), kept)
    recorder.attach()
    node.run()
    recorder.detach()
    return kept.records
