"""The part of the runner that is for NautilusTrader 1.x alone."""
