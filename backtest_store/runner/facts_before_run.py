"""What is known of a run before it runs, from its configuration, its data and its code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from backtest_store.capture.identity.config_hash import config_hash
from backtest_store.runner.config.timestamps import to_datetime

if TYPE_CHECKING:
    from backtest_store.models import Json
    from backtest_store.runner.config.expansion import Backtest

MOST_NAMED = 3


@dataclass(frozen=True)
class Facts:
    """What a run will be known by; a digest is None where the run alone can tell it."""

    config_hash: str | None
    code_hash: str | None
    data_fingerprint: str | None
    data_source: str


class Replayed(NamedTuple):
    """The data of a configuration in the order in which a node replays it."""

    fingerprint: str | None
    instrument_ids: list[str]
    times: list[int]  # of its first and last data, and from when to when the run's clock goes


def facts_of(backtest: Backtest) -> Facts:
    """Load the data of a backtest, and return what its run will be known by.

    Raises
    ------
    UsageError
        If a catalog has no such data, or the parts of the configuration contradict each other.
    """
    from backtest_store.runner.nautilus_installed import node

    code = node.code_behind(backtest.run_config)
    facts = _facts(json.dumps(backtest.run_config, sort_keys=True), backtest.data_source)
    known = None if code.draws else facts.config_hash
    return replace(facts, config_hash=known, code_hash=code.code_hash)


@lru_cache(maxsize=256)
def _facts(text: str, data_source: str | None) -> Facts:
    """Return what configuration and data tell; the code may be imported anew at any time."""
    from backtest_store.runner.nautilus_installed import node

    content: Json = json.loads(text)
    source = data_source or ", ".join(dict.fromkeys(map(_place, content["data"])))
    replayed = node.replayed(content)
    if replayed is None:
        return Facts(None, None, None, source)
    known = config_hash(
        _without_metadata(content),
        instrument_ids=replayed.instrument_ids,
        dates=[to_datetime(time) for time in replayed.times],
        data_fingerprint=replayed.fingerprint,
    )
    is_known = node.is_determined(content)
    return Facts(known if is_known else None, None, replayed.fingerprint, source)


def _place(entry: Json) -> str:
    path, protocol = str(entry["catalog_path"]), entry.get("catalog_fs_protocol")
    return path if protocol in (None, "file") or "://" in path else f"{protocol}://{path}"


def _without_metadata(run_config: Json) -> Json:
    """Leave out of what a catalog was made: its fingerprint tells what is there."""
    data = [{n: v for n, v in entry.items() if n != "metadata"} for entry in run_config["data"]]
    return run_config | {"data": data}


def missing_bars(backtest: Backtest) -> Iterator[str]:
    """Say which strategy is told to trade on bars that the data neither has nor can be made into.

    It is no error: another component may make them. NautilusTrader says nothing.
    """
    from backtest_store.runner.nautilus_installed import node

    content = backtest.run_config
    loaded = {name for entry in content["data"] for name in entry.get("bar_types") or ()}
    for strategy in (content.get("engine") or {}).get("strategies") or ():
        config = strategy.get("config") or {}
        several = config.get("bar_types")
        names = [config.get("bar_type"), *(several if isinstance(several, list) else ())]
        for asked in dict.fromkeys(filter(_is_bar_type, names)):
            held = None if asked in loaded else node.series_of(backtest)
            if held is not None and not _is_among(asked, held):
                name = strategy["strategy_path"].rpartition(":")[2]
                there = _listed(held)
                yield f"{name} asks for {asked}, of which there is no data; there is {there}"


def named_series(data: Iterable[object]) -> list[str]:
    """Name each kind of bar in some data, and the instruments of what is no bar."""
    found = {getattr(one, "bar_type", None) or getattr(one, "instrument_id", None) for one in data}
    return sorted(str(series) for series in found - {None})


def _is_bar_type(value: object) -> bool:
    return isinstance(value, str) and value.endswith(("-EXTERNAL", "-INTERNAL"))


def _is_among(bar_type: str, held: Sequence[str]) -> bool:
    """Tell whether there are such bars, or what NautilusTrader makes them of."""
    instrument_id = bar_type.partition("@")[0].rsplit("-", 4)[0]
    if bar_type.endswith("-EXTERNAL") and "@" not in bar_type:
        return bar_type in held
    return any(name == instrument_id or name.startswith(f"{instrument_id}-") for name in held)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
