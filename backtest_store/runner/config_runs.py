"""Run backtests that configs describe, and save them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from backtest_store.capture.engines.supported_versions import engine_version, unsupported
from backtest_store.errors import StoreError, UsageError
from backtest_store.recording import record
from backtest_store.runner.config.file import UnfitError, dotted
from backtest_store.runner.facts_before_run import facts_of, missing_bars
from backtest_store.runner.grids.grid import NotRun
from backtest_store.runs.duplicates import Identity, stored_before
from backtest_store.store.connecting.connection import read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from backtest_store.models import Json, Record
    from backtest_store.runner.config.expansion import Backtest
    from backtest_store.runner.config.loading import Config

MOST_EXPANDED = 512


@dataclass(frozen=True)
class Batch:
    """The grid that runs are of."""

    name: str | None = None
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True)
class Checked:
    """A backtest that can be run, what its run will be known by, and what is to be told of it."""

    identity: Identity
    remarks: list[str]


@dataclass(frozen=True)
class Ended:
    """A backtest that was run and recorded, whether the database has it yet, and what to tell."""

    run: Record
    is_saved: bool = True
    remarks: Sequence[str] = ()


def execute(config: Config) -> Record:
    """Run one backtest and save it, however it ends."""
    require_engine()
    return run(expanded(config)).run


def require_engine() -> None:
    """Make sure that a backtest can be run here, without the time that importing it takes."""
    reason = unsupported()
    if reason is not None:
        raise StoreError(
            f"cannot run a backtest: {reason}",
            hint="install the extra `nautilus`; in a checkout: pip install -e '.[nautilus]'",
        )


def warm_up() -> None:
    """Import what running a backtest takes, which is slow, as one of several processes."""
    from backtest_store.saving.unsaved_run import News

    News.is_told_by_another = True
    import backtest_store.capture.run_record
    import backtest_store.runner.config.expansion
    import backtest_store.runner.nautilus_installed  # noqa: F401 - for the next who asks


_expanded: dict[str, Backtest] = {}


def expanded(config: Config) -> Backtest:
    """Return a config in NautilusTrader's terms, worked out once a process; import its classes."""
    from backtest_store.runner.config.expansion import expand
    from backtest_store.runner.config.strategy_classes import make_importable

    make_importable(config.directory, Path.cwd())  # another's run may have been in between
    key = json.dumps([config.content, str(config.directory)], sort_keys=True, default=str)
    if key not in _expanded:
        if len(_expanded) >= MOST_EXPANDED:
            _expanded.clear()
        _expanded[key] = expand(config)
    return _expanded[key]


def inspect(config: Config) -> Checked | NotRun:
    """Check a config as one of many, and return what its run would be known by."""
    try:
        backtest = expanded(config)
        facts = facts_of(backtest)
    except UnfitError as error:
        # Of the short form, several entries may have been made of one.
        keys = error.keys if config.is_long else error.keys[:1]
        return NotRun(f"{config.origin.at(keys)}: {dotted(keys)}: {error}", hint=error.hint)
    except UsageError as error:
        return NotRun(str(error), hint=error.hint)
    identity = Identity(facts.config_hash, facts.code_hash, engine_version())
    return Checked(identity, [*backtest.remarks, *missing_bars(backtest)])


def run(
    backtest: Backtest,
    *,
    batch: Batch | None = None,
    inputs: Json | None = None,
    reproduced_from: UUID | None = None,
    command_line: str | None = None,
) -> Ended:
    """Run a backtest once, and save it, however it ends."""
    from backtest_store.runner.nautilus_installed import node

    said = _said_of(backtest)
    if batch is not None:
        said |= {"batch_id": batch.id, "batch_name": batch.name, "batch_inputs": inputs}
    target, start = node.prepared(backtest)
    recording = record(target, reproduced_from=reproduced_from, command_line=command_line, **said)
    try:
        with recording:
            start()
    except Exception:
        if not recording.records:
            raise
    finally:
        target.dispose()
    if not recording.records:
        raise StoreError("the run could not be recorded", hint="the warning above says why")
    remarks = [*backtest.remarks, *missing_bars(backtest)]
    return Ended(recording.records[-1], is_saved=not recording.unsaved, remarks=remarks)


def _said_of(backtest: Backtest) -> dict[str, Any]:
    """Return what is known of a run before it runs."""
    facts = facts_of(backtest)
    return {
        "strategy_name": backtest.name,
        "strategy_type": backtest.type,
        "tags": backtest.tags,
        "note": backtest.note,
        "data_source": facts.data_source,
        "data_fingerprint": facts.data_fingerprint,
        "config_snapshot": backtest.run_config,
        "config_hash": facts.config_hash,
    }


@dataclass(frozen=True)
class RunOnce:
    """Runs and saves one backtest of many: whatever happens to it does not stop the others."""

    since: datetime  # when the first of them began, UTC
    batch: Batch | None = None  # the grid that they are of

    def __call__(self, config: Config) -> Ended | NotRun:
        """Run it."""
        try:
            return run(expanded(config), batch=self.batch, inputs=config.inputs)
        except StoreError as error:
            return NotRun(str(error), hint=error.hint)
        except Exception as error:  # noqa: BLE001 - the others go on, and this one is reported
            return NotRun(f"{type(error).__name__}: {error}")

    def again(self, config: Config) -> Ended | NotRun:
        """Run it unless the worker that was lost at it had saved it already."""
        checked = inspect(config)
        if isinstance(checked, NotRun):
            return checked
        try:
            found = read(lambda db: stored_before(db, [checked.identity])).get(0)
        except StoreError:  # the run itself waits in the spool for as long as the store is away
            found = None
        return Ended(found) if found and found.started_at >= self.since else self(config)
