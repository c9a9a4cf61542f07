"""Refusing a strategy's configuration before anything runs."""

from math import isfinite

from backtest_store.errors import UsageError


def require(condition: bool, field: str, value: object, demand: str) -> None:  # noqa: FBT001
    """Raise a UsageError that names the field, what is demanded of it, and its value."""
    if not condition:
        raise UsageError(f"{field} must {demand}, was {value}")


def require_period(field: str, value: int, least: int = 1) -> None:
    """Refuse a number of bars that is too small."""
    require(value >= least, field, value, f"be at least {least}")


def require_finite(field: str, value: float) -> None:
    """Refuse infinity and what is not a number."""
    require(isfinite(value), field, value, "be a finite number")
