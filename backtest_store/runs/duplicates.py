"""Has this been run before? Find the stored run that is identical to one before or after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backtest_store.models import METRIC_FIELDS
from backtest_store.store import queries

if TYPE_CHECKING:
    from backtest_store.models import Record
    from backtest_store.store.sql import Db

# What is said in words, which one version of this package may put otherwise than the next.
WORDS = frozenset({"engine_stats", "warnings"})


@dataclass(frozen=True)
class Identity:
    """What decides about a run's result: configuration and data, code, engine.

    A run of which a part is not known is like no other.
    """

    config_hash: str | None
    code_hash: str | None
    engine_version: str | None

    @classmethod
    def of(cls, run: Record) -> Identity:
        """Return what a run is known by."""
        return cls(run.config_hash, run.code_hash, run.provenance.get("engine_version"))

    @property
    def is_known(self) -> bool:
        """Tell whether another run can be known to be the same."""
        return None not in (self.config_hash, self.code_hash, self.engine_version)


async def stored_before(
    db: Db, identities: Sequence[Identity], *, excluded: Record | None = None
) -> dict[int, Record]:
    """Return the newest successful run of each identity that is known, under its place."""
    found = await queries.same_identity(
        db,
        config_hashes=[i.config_hash for i in identities],
        code_hashes=[i.code_hash for i in identities],
        engine_versions=[i.engine_version for i in identities],
        excluded=None if excluded is None else excluded.run_id,
    )
    runs = await queries.get_runs(db, run_ids=[f.run_id for f in found])
    return {f.position - 1: run for f, run in zip(found, runs, strict=True)}


async def find_identical(db: Db, run: Record) -> Record | None:
    """Return the newest successful run that a run repeats, reproductions on purpose aside.

    Whether it came to the same, `has_same_result` tells.
    """
    identity = Identity.of(run)
    is_candidate = run.status == "success" and run.reproduced_from is None
    if not is_candidate or not identity.is_known:
        return None
    return (await stored_before(db, [identity], excluded=run)).get(0)


def has_same_result(run: Record, other: Record) -> bool:
    """Tell whether two runs came to the same in every metric."""
    names = METRIC_FIELDS.keys() - WORDS
    return all(getattr(run, name) == getattr(other, name) for name in names)


def describe_duplicate(run: Record, found: Record) -> str:
    """Say that a stored run is identical to one that has ended, or only should be."""
    if has_same_result(run, found):
        return f"run {run.run_id} duplicates {named(found)}"
    return (
        f"run {run.run_id} has the configuration, data and code of {named(found)}, and another"
        " result: the strategy depends on something that no run records"
    )


def named(run: Record) -> str:
    """Name a stored run by its id, its time and its Sharpe ratio."""
    ratio = "undefined" if run.sharpe_ratio is None else f"{run.sharpe_ratio:.3g}"
    return f"{run.run_id} of {run.started_at:%Y-%m-%d %H:%M} UTC, Sharpe ratio {ratio}"
