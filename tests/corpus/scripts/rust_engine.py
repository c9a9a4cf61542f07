"""The engine in Rust that some releases carry beside the other."""

from tests.runner.test_rust_engine import SCRIPT

exec(SCRIPT, {"__name__": "__main__", "RAISES_AT": 0})
