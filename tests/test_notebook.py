"""In a notebook: cells run one by one inside a running event loop, and no file defines a class."""

import json
import os
import sys
from pathlib import Path

from tests import forked
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures

KERNEL = """
import ast, asyncio, inspect, sys

CELLS = [
'''
from decimal import Decimal
from backtest_store import record, save_run, save_run_async
from tests.capture.backtests import Scripted, ScriptedConfig, bar_type, bars, engine, share

class Cell(Scripted):
    pass

def make(*closes):
    made = engine(share())
    made.add_data(bars(share(), closes))
    config = ScriptedConfig(
        instrument_id=share().id, bar_type=bar_type(share()), orders={0: Decimal(1), 1: Decimal(-1)}
    )
    made.add_strategy(Cell(config))
    return made
''',
"made = make(100, 110, 120)",
'''
with record(made) as run:
    made.run()
''',
"assert save_run(made) == await save_run_async(made) == run.run_id",
'''
later = make(100, 105, 120)
later.run()
await save_run_async(later)
''',
]

async def kernel():
    for cell in CELLS:
        code = compile(cell, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        waiting = eval(code, vars(sys.modules["__main__"]))
        if inspect.isawaitable(waiting):
            await waiting

asyncio.run(kernel())
"""


def test_cells_of_a_notebook_are_recorded(store: str) -> None:
    done = forked.run([sys.executable, "-c", KERNEL])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    recorded, later = stored(store)
    assert [run["net_profit"] for run in (recorded, later)] == [10, 5]
    assert [run["equity_basis"] for run in (recorded, later)] == ["mark_to_market", "balance"]
    assert recorded["config_snapshot"]["strategy_path"] == "__main__:Cell"
    assert recorded["provenance"]["script"] is None
    assert "__main__" in recorded["provenance"]["source_sha256"]
    assert (recorded["code_hash"], recorded["config_hash"]) == (
        later["code_hash"],
        recorded["config_hash"],
    )


# What a kernel looks like from inside, in the parts that are asked for.
SHELL = """
class InteractiveShell:
    kernel = object()
    user_ns = {"In": ["", "class Mine(Scripted): pass", "made = 1", "made.run()"]}

    @classmethod
    def initialized(cls):
        return True

    @classmethod
    def instance(cls):
        return cls()
"""

IN_A_KERNEL = """
import IPython.core.interactiveshell
from tests.capture.backtests import backtest
from tests.capture.recorded import recorded
import json
origin = recorded(backtest([100, 110])).provenance
print(json.dumps([origin["notebook"], origin["command_line"]]))
"""


def test_a_run_of_a_notebook_says_which(tmp_path: Path) -> None:
    folder = tmp_path / "IPython" / "core"
    folder.mkdir(parents=True)
    for package in (folder, folder.parent):
        (package / "__init__.py").write_text("")
    (folder / "interactiveshell.py").write_text(SHELL)
    root = Path(__file__).parents[1]
    done = forked.run(
        [sys.executable, "-c", IN_A_KERNEL],
        check=True,
        cwd=tmp_path,
        env=os.environ
        | {"PYTHONPATH": f"{tmp_path}:{root}", "JPY_SESSION_NAME": "/home/me/ideas/gold.ipynb"},
    )
    notebook, command = json.loads(done.stdout)
    assert notebook == {
        "name": "gold.ipynb",
        "directory": str(tmp_path),
        "cell": "made.run()",
        "definitions": ["class Mine(Scripted): pass"],
    }
    assert command == "notebook gold.ipynb"
