"""A NautilusTrader engine that has run, turned into a run of the store."""
