"""The engine in Rust that comes with 1.231 is not recorded, which is said once."""

from pathlib import Path

from nautilus_trader.core import nautilus_pyo3

from tests.capture.stores import shared_url, store, stored
from tests.runner.test_exec import btstore, count_in

__all__ = ["shared_url", "store"]

SCRIPT = """
from nautilus_trader.core import nautilus_pyo3
engine = getattr(nautilus_pyo3, "BacktestEngine", None)
if engine is not None:
    before = engine.run
    for _ in range(2):
        try:
            engine.run(None)
        except TypeError as error:
            print(error)
"""


def test_run_of_the_rust_engine_is_said_not_to_be_recorded(store: str, tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    ran = btstore(path)
    assert ran.returncode == 0, ran.stderr
    has_one = hasattr(nautilus_pyo3, "BacktestEngine")
    assert ran.stderr.count("a run is not recorded: it is one of nautilus_trader.core") == has_one
    assert len(ran.stdout.splitlines()) == 2 * has_one
    assert (stored(store), count_in(ran.stderr)) == ([], "no")
