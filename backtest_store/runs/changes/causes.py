"""Was a run reproduced? Compare it with its repetition, and name what changed in between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from backtest_store.models import METRIC_FIELDS, Json, Record
from backtest_store.runs.changes.inputs import digests_of, settings_of
from backtest_store.runs.expressions.parameters import flattened

Verdict = Literal["identical", "different"]
ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
MOST_KEYS = 3


@dataclass(frozen=True)
class Difference:
    """A metric that came out otherwise: its value then, and now."""

    metric: str
    original: Any
    reproduced: Any


@dataclass(frozen=True)
class Cause:
    """What changed between two runs, and how to put it to a person."""

    kind: str
    detail: str


@dataclass(frozen=True)
class Reproduction:
    """A run, its repetition, and how they compare, up to a tolerance, relatively."""

    original: Record
    reproduced: Record
    tolerance: float = 0.0
    differences: list[Difference] = field(init=False)
    causes: list[Cause] = field(init=False)

    def __post_init__(self) -> None:
        differing = [*differences(self.original, self.reproduced, self.tolerance)]
        object.__setattr__(self, "differences", differing)
        object.__setattr__(self, "causes", [*causes(self.original, self.reproduced)])

    @property
    def verdict(self) -> Verdict:
        """Say whether all metrics are the same."""
        return "different" if self.differences else "identical"

    @property
    def most_likely_cause(self) -> Cause | None:
        """Return what explains the differences best; None if there is none to explain."""
        if not self.differences:
            return None
        if self.causes:
            return self.causes[0]
        is_dirty = any(_git(run).get("dirty") for run in (self.original, self.reproduced))
        return UNCOMMITTED if is_dirty else UNKNOWN


UNKNOWN = Cause(
    "unknown",
    "nothing that was stored has changed: the strategy draws on chance, on the time of day, or on"
    " files, settings and services that no run records",
)
UNCOMMITTED = Cause(
    "uncommitted",
    f"{UNKNOWN.detail}; its repository has, or had, changes that are not committed",
)


def differences(original: Record, reproduced: Record, tolerance: float) -> Iterator[Difference]:
    """Yield the metrics that differ by more than a fraction, the engine's by their own names."""
    before, after = _outcome(original), _outcome(reproduced)
    for name in before | after:
        then, now = before.get(name), after.get(name)
        if not _same(then, now, tolerance):
            yield Difference(name, then, now)


def causes(original: Record, reproduced: Record) -> Iterator[Cause]:
    """Yield what changed between two runs, the likeliest cause of a difference first."""
    yield from _data(original, reproduced)
    yield from _source(original.provenance, reproduced.provenance)
    yield from _script(original.provenance, reproduced.provenance)
    yield from _version("engine_version", "NautilusTrader", original, reproduced)
    yield from _configuration(original, reproduced)
    yield from _chance(original.provenance, reproduced.provenance)
    yield from _version("python_version", "Python", original, reproduced)
    yield from _packages(original.provenance, reproduced.provenance)
    yield from _version("backtest_store_version", "backtest-store", original, reproduced)
    yield from _equity_basis(original, reproduced)
    yield from _commit(original, reproduced)
    yield from _version("platform", "the platform", original, reproduced)


def _outcome(run: Record) -> dict[str, Any]:
    """Return what a run came to: its metrics, or how it failed.

    Warnings are words about metrics that are compared themselves.
    """
    values = {name: getattr(run, name) for name in METRIC_FIELDS if name != "warnings"}
    statistics = flattened({"engine_stats": values.pop("engine_stats") or {}})
    message = None if run.error_message is None else ADDRESS.sub("0x…", run.error_message)
    ending = {"status": run.status, "error_type": run.error_type, "error_message": message}
    return ending | values | {name: value for name, value in statistics.items() if value != {}}


def _same(then: object, now: object, tolerance: float) -> bool:
    if then == now:
        return True
    numbers = (int, float, Decimal)
    if not isinstance(then, numbers) or not isinstance(now, numbers):
        return False
    a, b = Decimal(str(then)), Decimal(str(now))
    if not a.is_finite() or not b.is_finite():
        return a == b
    return abs(a - b) <= Decimal(str(tolerance)) * max(abs(a), abs(b))


def _data(original: Record, reproduced: Record) -> Iterator[Cause]:
    then, now = original.data_fingerprint, reproduced.data_fingerprint
    where = reproduced.data_source or "the market data"
    if then is None or now is None:
        if then != now:
            yield Cause("data", f"{where} may have changed: one run has no fingerprint of it")
    elif then != now:
        yield Cause("data", f"{where} changed: its fingerprint was {then[:12]}…, is {now[:12]}…")


def _source(then: Json, now: Json) -> Iterator[Cause]:
    before, after = digests_of(then), digests_of(now)
    changed = [file for file, digest in after.items() if digest not in before.values()]
    is_without_script = bool(then.get("script")) and not now.get("script")
    if changed and before:
        yield Cause("source", f"the strategy's source changed: {', '.join(changed)}")
    elif changed or (before and not after and not is_without_script):
        yield Cause("source", "the strategy's source may have changed: one run has no hash of it")


def _script(then: Json, now: Json) -> Iterator[Cause]:
    """Name a script that was changed, be it by a comment: nothing else tells what it does."""
    before, after = then.get("script") or {}, now.get("script") or {}
    is_told = after.get("path") in digests_of(now)  # as one of the sources
    if before and after and not is_told and before.get("sha256") != after.get("sha256"):
        yield Cause("script", f"the script changed: {after.get('path')}")


def _version(key: str, name: str, original: Record, reproduced: Record) -> Iterator[Cause]:
    then, now = original.provenance.get(key), reproduced.provenance.get(key)
    if then != now:
        yield Cause(key, f"{name} changed: was {then or 'unknown'}, is {now or 'unknown'}")


def _packages(then: Json, now: Json) -> Iterator[Cause]:
    before, after = then.get("package_versions") or {}, now.get("package_versions") or {}
    changed = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    if before and after and changed:
        said = ", ".join(f"{n} was {before.get(n)}, is {after.get(n)}" for n in changed)
        yield Cause("package_versions", f"packages changed: {said}")


def _configuration(original: Record, reproduced: Record) -> Iterator[Cause]:
    """Compare what was run, but for what follows from changed data."""
    follows = (
        ["data", "instruments"] if original.data_fingerprint != reproduced.data_fingerprint else []
    )
    then = settings_of(original.config_snapshot, follows)
    now = settings_of(reproduced.config_snapshot, follows)
    changed = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    if changed:
        shown = ", ".join(f"{n} was {then.get(n)}, is {now.get(n)}" for n in changed[:MOST_KEYS])
        more = f" and {len(changed) - MOST_KEYS} more" if len(changed) > MOST_KEYS else ""
        yield Cause("configuration", f"the configuration differs: {shown}{more}")


def _chance(then: Json, now: Json) -> Iterator[Cause]:
    before, after = then.get("random_state"), now.get("random_state")
    if before and after and before != after:
        said = "the random numbers that it draws began from another state: seed them last of all,"
        yield Cause("chance", f"{said} as a fill model without a `random_seed` does it anew")


def _equity_basis(original: Record, reproduced: Record) -> Iterator[Cause]:
    then, now = original.equity_basis, reproduced.equity_basis
    if then != now and then is not None and now is not None:
        yield Cause("equity_basis", f"equity was measured otherwise: {then} then, {now} now")


def _commit(original: Record, reproduced: Record) -> Iterator[Cause]:
    then, now = _git(original).get("commit"), _git(reproduced).get("commit")
    if then and now and then != now:
        yield Cause(
            "commit",
            "other files that the strategy uses may have changed: its repository was at"
            f" {str(then)[:12]}, is at {str(now)[:12]}",
        )


def _git(run: Record) -> Json:
    return run.provenance.get("git") or {}
