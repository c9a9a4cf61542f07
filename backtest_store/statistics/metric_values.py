"""A metric on its way: computed in decimals, rounded once, or undefined, or without a limit."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal

from backtest_store.models import METRIC_FIELDS

ZERO = Decimal(0)

# Without traps, overflow and 0/0 become Infinity and NaN, which `settle` turns into a reason.
# The exponents keep whatever comes out well inside what PostgreSQL's numeric takes.
ARITHMETIC = Context(
    prec=50,
    rounding=ROUND_HALF_EVEN,
    Emin=-6143,
    Emax=6144,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[],
)


@dataclass(frozen=True)
class Undefined:
    """A metric that has no value, and why."""

    reason: str


@dataclass(frozen=True)
class Unlimited:
    """A ratio whose divisor is a loss that never was: above every number, and the best."""


MetricValue = Decimal | int | date | Undefined | Unlimited
MetricValues = dict[str, MetricValue]


def undefined(names: Iterable[str], reason: str) -> MetricValues:
    """Give several metrics the same reason."""
    return dict.fromkeys(names, Undefined(reason))


def mean(values: Sequence[Decimal]) -> Decimal:
    """Average one value or more."""
    return sum(values, ZERO) / len(values)


def settle(name: str, value: MetricValue) -> MetricValue | float:
    """Round a fraction or a ratio to a double, and refuse what is not a finite number."""
    if isinstance(value, Unlimited):
        return math.inf
    if not isinstance(value, Decimal):
        return value
    if not value.is_finite():
        return Undefined("not a finite number")
    if METRIC_FIELDS[name]["unit"] == "money":
        return value
    number = float(value)
    return number if math.isfinite(number) else Undefined("too large for double precision")


def reasons(settled: Mapping[str, MetricValue | float]) -> list[str]:
    """Write one line for each reason, in the order of the first metric it applies to."""
    names: dict[str, list[str]] = {}
    for name, value in settled.items():
        if isinstance(value, Undefined):
            names.setdefault(value.reason, []).append(name)
    return [f"{', '.join(group)}: undefined, {reason}" for reason, group in names.items()]
