"""Parameters of strategies, nested as configurations are."""

from __future__ import annotations

from typing import Any

from backtest_store.models import Json


def flattened(parameters: Json, above: str = "") -> dict[str, Any]:
    """Return nested parameters under one name each, such as `exit.atr_multiple`."""
    flat: dict[str, Any] = {}
    for name, value in parameters.items():
        if isinstance(value, dict) and value:
            flat |= flattened(value, f"{above}{name}.")
        else:
            flat[f"{above}{name}"] = value
    return flat
