"""The README shows what the commands print, and its code runs."""

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.backtest.node import BacktestNode

from tests.capture.backtests import backtest
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.capture.test_node import fill, run_config
from tests.docs import README, masked, render

CODE = re.compile(r"(?<=```python\n).*?(?=```)", re.DOTALL)


def test_the_readme_is_true() -> None:
    readme = README.read_text("utf-8")
    assert masked(readme) == masked(render(readme)), "run `make docs` and look at the difference"


async def test_the_readmes_code_saves_what_it_says(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = [100.0, 110.0, 120.0]
    names: dict[str, Any] = {
        "engine": backtest(prices, {0: 10}),
        "node": BacktestNode([run_config(fill(tmp_path, prices))]),
    }
    (code,) = CODE.findall(README.read_text("utf-8"))
    compiled = compile(code, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    waiting = eval(compiled, names)  # noqa: S307 - it is our own
    assert inspect.isawaitable(waiting)
    await waiting
    one, other = stored(store)
    assert (one["strategy_name"], one["tags"]) == ("SMA Crossover", ["eurusd"])
    assert one["run_id"] == str(names["run_id"])
    assert [other["run_id"]] == [str(run_id) for run_id in names["run"].run_ids]
    assert str(names["run_id"]) in capsys.readouterr().out
