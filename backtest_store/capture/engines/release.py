"""Which NautilusTrader is here, and whether its backtests can be captured."""

from __future__ import annotations

from functools import cache
from importlib import metadata

ENGINE = "nautilus_trader"
# The engine of 2.0 is another one, in Rust: no message bus, kernel or exchange that Python reaches.
CAPTURED = "1"


@cache
def engine_version() -> str | None:
    """Return the version of the NautilusTrader here; None without one."""
    try:
        return metadata.version(ENGINE)
    except metadata.PackageNotFoundError:
        return None


def unsupported() -> str | None:
    """Return what is wrong with the NautilusTrader here; None if its runs can be captured."""
    version = engine_version()
    if version is None:
        return f"{ENGINE} is not installed"
    if version.partition(".")[0] == CAPTURED:
        return None
    return f"it has to be NautilusTrader {CAPTURED}.x, was {version}"
