"""Tests on the engine of NautilusTrader 2.0; they are skipped where another one is installed."""
