"""Which NautilusTrader is here, and whether its backtests can be captured."""

from __future__ import annotations

from functools import cache
from importlib import metadata

ENGINE = "nautilus_trader"
CAPTURED = ("1", "2")


@cache
def engine_version() -> str | None:
    """Return the version of the NautilusTrader here; None without one."""
    try:
        return metadata.version(ENGINE)
    except metadata.PackageNotFoundError:
        return None


def is_v2_installed() -> bool:
    """Tell whether the NautilusTrader here is 2.x."""
    return str(engine_version()).startswith("2.")


def unsupported() -> str | None:
    """Return what is wrong with the NautilusTrader here; None if its runs can be captured."""
    version = engine_version()
    if version is None:
        return f"{ENGINE} is not installed"
    if version.partition(".")[0] in CAPTURED:
        return None
    return f"it has to be NautilusTrader 1.x or 2.x, was {version}"
