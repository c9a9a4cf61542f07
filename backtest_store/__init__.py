"""Save every NautilusTrader backtest to PostgreSQL, and find, compare and reproduce it later."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backtest_store.api import Store
    from backtest_store.recording import record, save_run, save_run_async

__all__ = ["Store", "record", "save_run", "save_run_async"]


def __getattr__(name: str) -> object:
    """Import what is asked for, and no more: the commands that only read must start fast."""
    if name == "Store":
        from backtest_store.api import Store

        return Store
    if name in __all__:
        from backtest_store import recording

        return getattr(recording, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
