"""The modules that NautilusTrader 1.x and 2.0 each have one of, the two with one interface."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from backtest_store.capture.engines.version import is_second_here

_HOME = __name__.rpartition(".")[0]


def node() -> Any:
    """Return the module that runs a configuration: `facts_of` and `run`."""
    return import_module(f"{_HOME}.second.node" if is_second_here() else f"{_HOME}.node")


def terms() -> Any:
    """Return the module that knows configurations: `normalised`, `parse_component` …."""
    home = "second.run_config" if is_second_here() else "config.long_form"
    return import_module(f"{_HOME}.{home}")


def venues() -> Any:
    """Return the module that writes a venue of the short form in the engine's terms."""
    return import_module(f"{_HOME}.{'second.' if is_second_here() else ''}venue_settings")
