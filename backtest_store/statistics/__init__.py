"""Pure functions of an equity curve and of trades."""
