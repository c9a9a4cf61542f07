"""The backtests that a grid asks for."""
