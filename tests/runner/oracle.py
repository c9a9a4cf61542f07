"""The bundled strategies again, in plain Python on exact numbers, to hold the engine against."""

import csv
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

# The side to be on after bar i, given the side before it: 1 long, -1 short, 0 flat; None: stay.
Target = Callable[[int, int], int | None]
Fill = tuple[int, int, int, Decimal]  # bar, side, units, price


@dataclass(frozen=True)
class Outcome:
    """What trading came to: the fills, the cash, and the units still held."""

    fills: list[Fill]
    balance: Decimal
    position: int


def read_prices(path: Path) -> tuple[list[str], list[Decimal]]:
    """Return the times and the closes of a bundled file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return [row[0] for row in rows], [Decimal(row[4]) for row in rows]


def simulate(closes: list[Decimal], target: Target, fraction: Decimal) -> Outcome:
    """Trade at the close of each bar that signals, without fees, from 100,000."""
    fills: list[Fill] = []
    cash, position, entry = Decimal(100_000), 0, Decimal(0)
    for bar, price in enumerate(closes):
        side = (position > 0) - (position < 0)
        wanted = target(bar, side)
        if wanted is None or wanted == side:
            continue
        equity = cash + position * (price - entry)
        if position:
            fills.append((bar, -side, abs(position), price))
            cash, position = equity, 0
        units = int(equity * fraction / price)
        if wanted and units > 0:
            fills.append((bar, wanted, units, price))
            position, entry = wanted * units, price
    return Outcome(fills, cash, position)


def sma_crossover(closes: list[Decimal], fast: int, slow: int, *, short: bool) -> Target:
    """Compare whole sums, so that averages which are equal are equal."""
    sums = [Decimal(0)]
    for price in closes:
        sums.append(sums[-1] + price)
    crossed: dict[int, int] = {}
    above = 0
    for bar in range(slow - 1, len(closes)):
        quick = (sums[bar + 1] - sums[bar + 1 - fast]) * slow
        steady = (sums[bar + 1] - sums[bar + 1 - slow]) * fast
        now = (quick > steady) - (quick < steady)
        if now and above and now != above:
            crossed[bar] = now if short else max(now, 0)
        above = now or above
    return lambda bar, _: crossed.get(bar)


def momentum(closes: list[Decimal], lookback: int, threshold: float, *, short: bool) -> Target:
    """Compare exact fractions with the threshold."""

    def target(bar: int, _: int) -> int | None:
        if bar < lookback:
            return None
        change = Fraction(closes[bar]) / Fraction(closes[bar - lookback]) - 1
        if change > Fraction(threshold):
            return 1
        return -1 if short and change < -Fraction(threshold) else 0

    return target


def rsi(closes: list[Decimal], period: int) -> list[float]:
    """Return Wilder's index, 100 - 100 / (1 + average gain / average loss)."""
    gain = loss = 0.0
    values = []
    for bar, price in enumerate(closes):
        change = float(price) - float(closes[max(bar - 1, 0)])
        gain += (max(change, 0.0) - gain) / period
        loss += (max(-change, 0.0) - loss) / period
        values.append(100 * gain / (gain + loss) if loss else 100.0)
    return values


def rsi_mean_reversion(
    index: list[float], period: int, levels: tuple[float, float, float], *, short: bool
) -> Target:
    """Trade on an index that `rsi` gave; the levels are oversold, exit and overbought."""
    oversold, exit_level, overbought = levels

    def target(bar: int, side: int) -> int | None:
        if bar < period - 1:
            return None
        if index[bar] < oversold:
            return 1
        if index[bar] > overbought:
            return -1 if short else 0
        over = (side > 0 and index[bar] >= exit_level) or (side < 0 and index[bar] <= exit_level)
        return 0 if over else None

    return target
