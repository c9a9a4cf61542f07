"""By how much an order fills worse, whatever engine fills it."""

from decimal import ROUND_CEILING, Decimal

IS_CODE_OF_RUNS = True


def worse_price(
    price: Decimal, sign: int, tick: Decimal, *, ticks: int, fraction: Decimal
) -> Decimal:
    """Return what a price becomes: lower if the sign is -1, higher if it is 1.

    It is worse by a number of ticks and by a fraction of itself, which is rounded up to ticks.
    """
    steps = ticks + (price * fraction / tick).to_integral_value(ROUND_CEILING)
    return max(price + sign * steps * tick, tick)
