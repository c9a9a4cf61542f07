"""What a caller knows about a run better than its engine does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class RunDetails:
    """What the caller says of a run; None leaves it to the engine."""

    strategy_name: str | None = None
    strategy_type: str | None = None
    tags: Iterable[str] | None = ()
    note: str | None = None
    data_source: str | None = None
    data_fingerprint: str | None = None
    parameters: Mapping[str, Any] | None = None
    config_snapshot: Mapping[str, Any] | None = None
    config_hash: str | None = None
    reproduced_from: UUID | None = None
    batch_id: UUID | None = None
    batch_name: str | None = None
    batch_inputs: Mapping[str, Any] | None = None
    command_line: str | None = None

    def __post_init__(self) -> None:
        """Take one tag for a tag, and None for no tags: no run is lost by it."""
        given: Any = () if self.tags is None else self.tags
        is_several = isinstance(given, Iterable) and not isinstance(given, str)
        tags = tuple(map(str, given)) if is_several else (str(given),)
        object.__setattr__(self, "tags", tags)
