"""Turn a config file into a NautilusTrader backtest that is ready to run."""
