"""The part of the runner that is for NautilusTrader 2.0 alone."""
