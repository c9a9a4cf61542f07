"""Scripts that do on 2.0 what NautilusTrader's own examples and guides do, on markets of our own."""
