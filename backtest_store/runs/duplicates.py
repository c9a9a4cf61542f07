"""Has this been run before? Find the stored run that is identical to one before or after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backtest_store.store import queries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from backtest_store.models import Record
    from backtest_store.store.sql import Db


@dataclass(frozen=True)
class Identity:
    """What decides about a run's result: configuration and data, strategies' code, engine."""

    config_hash: str
    source_digests: str | None
    engine_version: str | None

    @classmethod
    def of(cls, run: Record) -> Identity | None:
        """Return a run's identity; None if its configuration has no hash."""
        if run.config_hash is None:
            return None
        sources = run.provenance.get("source_sha256") or {}
        version = run.provenance.get("engine_version")
        return cls(run.config_hash, joined(sources.values()), version)


def joined(digests: Iterable[str | None]) -> str | None:
    """Write the digests of strategies' sources in the one way that depends on nothing else."""
    return ",".join(sorted(filter(None, digests))) or None


async def stored_before(
    db: Db, identities: Sequence[Identity], *, but: Record | None = None
) -> dict[int, Record]:
    """Return the newest successful run of each identity, under its place.

    Parameters
    ----------
    db : Db
        A connection or pool of the store.
    identities : sequence of Identity
        What is looked for.
    but : Record, optional
        A run that does not count.
    """
    found = await queries.same_config(
        db,
        config_hashes=[i.config_hash for i in identities],
        source_digests=[i.source_digests for i in identities],
        engine_versions=[i.engine_version for i in identities],
        but=None if but is None else but.run_id,
    )
    runs = await queries.get_runs(db, run_ids=[f.run_id for f in found])
    return {f.position - 1: run for f, run in zip(found, runs, strict=True)}


async def identical_to(db: Db, run: Record) -> Record | None:
    """Return the newest successful run that a run repeats, reproductions on purpose aside."""
    identity = Identity.of(run)
    if identity is None or run.status != "success" or run.reproduced_from is not None:
        return None
    return (await stored_before(db, [identity], but=run)).get(0)


def named(run: Record) -> str:
    """Name a stored run by its id, its time and its Sharpe ratio."""
    ratio = "undefined" if run.sharpe_ratio is None else f"{run.sharpe_ratio:.3g}"
    return f"{run.run_id} of {run.started_at:%Y-%m-%d %H:%M} UTC, Sharpe ratio {ratio}"
