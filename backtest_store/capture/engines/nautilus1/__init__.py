"""NautilusTrader 1.x behind the interface: its Python engine and what it keeps to itself."""
