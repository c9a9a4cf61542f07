"""The engine of NautilusTrader 2.0, which is Rust: what of it can be reached from Python."""
