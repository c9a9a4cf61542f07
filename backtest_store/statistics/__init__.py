"""Pure functions of an equity curve and of trades."""

from typing import Literal

Variance = Literal["published", "null"]  # here, so that --help need not load the formulas
