"""NautilusTrader's classes stay what they are beside us, in every module that it has."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = str(Path(__file__).parents[2])
FACTS = """
import importlib, inspect, json, pkgutil, sys, warnings
sys.path.insert(0, {root!r})
warnings.simplefilter("error", RuntimeWarning)
before = sys.excepthook
if {watched}:
    from backtest_store.capture.run_details import RunDetails
    from backtest_store.capture.process_recorder import ProcessRecorder
    from backtest_store.capture.engine_recorder import StoreSink
    ProcessRecorder(RunDetails(), StoreSink()).install()
import nautilus_trader
from nautilus_trader.backtest import engine, node

def facts(kind):
    return [
        repr(kind), type(kind).__name__, [repr(c) for c in kind.__mro__], dir(kind),
        kind.__flags__, kind.__basicsize__, kind.__dictoffset__, kind.__doc__, kind.__module__,
        [(n, str(inspect.signature(getattr(kind, n)))) for n in ("run", "end", "reset", "dispose")
         if hasattr(kind, n)],
    ]

outcome = {{}}
for found in pkgutil.walk_packages(nautilus_trader.__path__, "nautilus_trader.", lambda n: None):
    if found.name.endswith("__main__") or ".live.__main__" in found.name:
        continue
    try:
        module = importlib.import_module(found.name)
    except BaseException as error:
        outcome[found.name] = f"{{type(error).__name__}}: {{error}}"
    else:
        outcome[found.name] = [type(module.__loader__).__name__, type(getattr(module.__spec__, 'loader', None)).__name__]
        for name, value in vars(module).items():
            if inspect.isclass(value) and value.__name__ in ("BacktestEngine", "BacktestNode"):
                outcome[found.name + "." + name] = facts(value)
outcome["excepthook"] = sys.excepthook is before
outcome["engine"] = engine.BacktestEngine is node.BacktestEngine
print(json.dumps(outcome))
"""


def _facts(*, watched: bool) -> dict[str, object]:
    import json

    script = FACTS.format(root=ROOT, watched=watched)
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    facts: dict[str, object] = json.loads(ran.stdout.splitlines()[-1])
    return facts


@pytest.mark.timeout(600)
def test_every_module_imports_and_every_class_is_as_it_is_without_us() -> None:
    alone, watched = _facts(watched=False), _facts(watched=True)
    assert len(alone) > 300
    assert watched.keys() == alone.keys()
    for name, facts in alone.items():
        assert watched[name] == facts, name
