"""A figure on its way to becoming a metric: computed in decimals, rounded once, or undefined."""

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


Figure = Decimal | int | date | Undefined
Figures = dict[str, Figure]


def undefined(names: Iterable[str], reason: str) -> Figures:
    """Give several metrics the same reason."""
    return dict.fromkeys(names, Undefined(reason))


def mean(values: Sequence[Decimal]) -> Decimal:
    """Average one value or more."""
    return sum(values, ZERO) / len(values)


def settle(name: str, figure: Figure) -> Figure | float:
    """Round a fraction or a ratio to a double, and refuse what is not a finite number."""
    if not isinstance(figure, Decimal):
        return figure
    if not figure.is_finite():
        return Undefined("not a finite number")
    if METRIC_FIELDS[name]["unit"] == "money":
        return figure
    number = float(figure)
    return number if math.isfinite(number) else Undefined("too large for double precision")


def reasons(settled: Mapping[str, Figure | float]) -> list[str]:
    """Write one line for each reason, in the order of the first metric it applies to."""
    names: dict[str, list[str]] = {}
    for name, figure in settled.items():
        if isinstance(figure, Undefined):
            names.setdefault(figure.reason, []).append(name)
    return [f"{', '.join(group)}: undefined, {reason}" for reason, group in names.items()]
