"""The identity of one run of an engine, collected from its beginning to its end."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from backtest_store.capture.engines.interface import Backtest
from backtest_store.capture.error_boundary import attempt
from backtest_store.capture.identity.code.code_hash import UNKNOWN_CODE, Code, code_of, modules_of
from backtest_store.capture.identity.config_hash import Configuration, run_hash
from backtest_store.capture.identity.config_snapshot import with_added
from backtest_store.capture.identity.data_fingerprint import MarketData
from backtest_store.capture.identity.git import GitQuery
from backtest_store.capture.run_details import RunDetails
from backtest_store.models import Json

if TYPE_CHECKING:
    from nautilus_trader.core.data import Data

SHA256 = re.compile("[0-9a-f]{64}")
UNSEEN = "the run replayed data that was not in memory as a whole"
UNREADABLE = "the data has elements that could not be described"
CHANGED = "a module's file has changed since it was imported, or is gone"


@dataclass(frozen=True)
class Identity:
    """What a run is known by; a digest is None where it is not known, and `unknown` says why."""

    config_hash: str | None = None
    code_hash: str | None = None
    data_fingerprint: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    unknown: Sequence[str] = ()
    chance: Json = field(default_factory=dict)


def _git(details: RunDetails, code: Code) -> GitQuery:
    """Ask git; once here for the runs of a batch, whose code stays as this process imported it."""
    if details.batch_id is None:
        return GitQuery(code.files)
    return _git_of_batch(details.batch_id, tuple(code.files), code.code_hash)


@lru_cache(maxsize=8)
def _git_of_batch(_batch: UUID, files: tuple[Path, ...], _code: str | None) -> GitQuery:
    return GitQuery(files)


class Collector:
    """Reads an engine when a run begins, sees data that is streamed, and sums up at the end."""

    def __init__(self, backtest: Backtest, details: RunDetails) -> None:
        self._details = details
        self._backtest = backtest
        self._modules = frozenset(sys.modules)
        self._classes: list[type] = attempt("read the classes", backtest.classes, [])
        self.code = attempt("read the code", partial(code_of, self._classes), UNKNOWN_CODE)
        self.git = _git(details, self.code)  # it works while the data is read
        read = partial(backtest.market_data, is_known=details.data_fingerprint is not None)
        self.data = attempt("read the market data", read, MarketData())
        describe = partial(backtest.snapshot, self.data)
        described: Json = attempt("describe the engine", describe, {})
        given = details.config_snapshot
        self.snapshot = described if given is None else with_added(dict(given), described)
        self._configuration = self._configured(described)

    def see(self, data: Iterable[Data]) -> None:
        """Add to the fingerprint a portion of data that the run replays after the ones before."""
        self.data.digest.add(data)

    def identity(self, dates: Sequence[datetime | None]) -> Identity:
        """Return the run's identity once it has ended; `dates` are those of its data."""
        fingerprint, reasons = self._fingerprint()
        given = self._details.config_hash
        config_hash: str | None
        if given:
            config_hash = given_hash(self._details)
        elif reasons or self._configuration.digest is None:
            config_hash = None
        else:
            ids, times = self._backtest.instrument_ids(), [*dates, *self._backtest.asked()]
            config_hash = run_hash(self._configuration.digest, ids, times, fingerprint)
        unknown = [*reasons, *([] if given else self._configuration.unknown)]
        code = attempt("read the code", self._code_at_end, UNKNOWN_CODE)
        unknown += [CHANGED] if code.code_hash is None else []
        chance = self._configuration.chance
        return Identity(config_hash, code.code_hash, fingerprint, code.digests(), unknown, chance)

    def _configured(self, described: Json) -> Configuration:
        if self._details.config_hash:
            return Configuration()
        given = self._details.config_snapshot
        digest = partial(self._backtest.configuration, described, given, self.code)
        return attempt("digest the configuration", digest, Configuration())

    def _fingerprint(self) -> tuple[str | None, list[str]]:
        """Return the data's fingerprint, and why there is none of all that the run has seen."""
        given = self._details.data_fingerprint
        if given is not None:
            return given, []
        if not self._backtest.saw_all(self.data):
            return None, [UNSEEN]
        fingerprint = self.data.digest.value
        is_unreadable = fingerprint is None and self.data.digest.count > 0
        return fingerprint, [UNREADABLE] if is_unreadable else []

    def _code_at_end(self) -> Code:
        """Read the code again if the run imported some, or got components as it went."""
        imported, classes = frozenset(sys.modules) - self._modules, self._backtest.classes()
        if not imported and classes == self._classes:
            return self.code
        return modules_of(classes, more=imported).with_values(self.code.values)


def given_hash(details: RunDetails) -> str | None:
    """Return the caller's hash; one of another kind than the store takes is hashed itself."""
    given = details.config_hash
    if not given or SHA256.fullmatch(given):
        return given or None
    return hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()
