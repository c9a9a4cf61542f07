"""Save every NautilusTrader backtest to PostgreSQL, and find, compare and reproduce it later."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backtest_store.hook import record, save_run, save_run_async

__all__ = ["record", "save_run", "save_run_async"]


def __getattr__(name: str) -> object:
    """Import the hook when it is asked for: the commands that only read must start fast."""
    if name in __all__:
        from backtest_store import hook

        return getattr(hook, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
