"""The modules for the NautilusTrader that is installed: 1.x and 2.0 have one of each."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from backtest_store.capture.engines.version import is_v2_installed


def node() -> Any:
    """Return the module that runs a configuration: `facts_of` and `run`."""
    return _module("node")


def run_config() -> Any:
    """Return the module that knows configurations: `normalised`, `parse_component` …."""
    return _module("run_config")


def venue_settings() -> Any:
    """Return the module that writes the short form's fills and costs in the engine's terms."""
    return _module("venue_settings")


def _module(name: str) -> Any:
    home = __name__.rpartition(".")[0]
    return import_module(f"{home}.nautilus{2 if is_v2_installed() else 1}.{name}")
