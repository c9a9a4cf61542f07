"""A metric over parameters, against sums made by hand and a planted surface."""

import csv
import io
import json
import re
from collections import Counter
from math import inf
from pathlib import Path
from statistics import fmean, median
from xml.etree import ElementTree as ET

import asyncpg
import pytest

from backtest_store.cli.output import tables
from backtest_store.cli.output.pages.pivot_page import SHADES
from backtest_store.cli.output.web.heat_maps import SHADES as SHADES_DRAWN
from backtest_store.errors import UsageError
from backtest_store.models import Record
from backtest_store.runs.filters import filters
from backtest_store.runs.pivot import Pivot, pivot
from tests import browser
from tests.factories import make_record, store, store_at
from tests.shell import btstore

SVG = "{http://www.w3.org/2000/svg}"


def run(fast: object, slow: object, sharpe_ratio: float | None, **changes: object) -> Record:
    parameters = {"fast_period": fast, "exit": {"slow": slow}}
    return make_record(parameters=parameters, sharpe_ratio=sharpe_ratio, **changes)


def grid() -> list[Record]:
    """Make a hill around (30, 3)."""
    return [
        run(fast, slow, 1 - abs(fast - 30) / 50 - abs(slow - 3) / 10)
        for fast in (10, 20, 30, 40, 100)
        for slow in (1, 2, 3, 4, 5)
    ]


async def pivoted(db: asyncpg.Connection, *inputs: str, **typed: str) -> Pivot:
    found = await pivot(db, filters(**typed).conditions, inputs, "sharpe_ratio")
    assert found is not None
    return found


async def test_cells_are_the_runs_that_share_their_inputs(db: asyncpg.Connection) -> None:
    values = [0.5, 1.5, 0.9]
    await store(db, [run(10, 2, value) for value in values])
    await store(db, [run(9, 2, 0.1), run("x", 2, 0.2), run(10, 2, None)])
    await store(db, [run(10, 2, 9.0, reproduced_from=make_record().run_id)])
    await store(db, [make_record(parameters={"other": 1}), make_record(status="failed")])
    found = await pivoted(db, "fast_period", "exit.slow")
    assert found.axes == ([9, 10, "x"], [2])
    cell = found.cells[1, 0]
    assert (cell.runs, cell.best, cell.worst, cell.median) == (3, 1.5, 0.5, median(values))
    assert len(found.cells) == 3
    assert (await pivoted(db, "fast_period")).cells[1,] == cell


async def test_a_number_is_one_value_however_it_is_written(db: asyncpg.Connection) -> None:
    values = [1, 1.0, -0.0, 0, True, "1", "1.0", 10**20, 0.5]
    await store(db, [run(value, 2, 1.0) for value in values])
    found = await pivoted(db, "fast_period")
    assert [repr(value) for value in found.axes[0]] == [
        *("0", "0.5", "1", str(10**20), "'1'", "'1.0'", "True")
    ]
    assert [cell.runs for _, cell in sorted(found.cells.items())] == [2, 1, 2, 1, 1, 1, 1]


async def test_a_parameter_that_is_null_is_none(db: asyncpg.Connection) -> None:
    await store(db, [run(1, 2, 1.0), run(None, 2, 1.0)])
    found = await pivoted(db, "fast_period")
    assert [*found.axes[0]] == [1]
    assert [cell.runs for cell in found.cells.values()] == [1]


async def test_a_plateau_is_told_from_a_spike(db: asyncpg.Connection) -> None:
    await store(db, grid())
    hill = await pivoted(db, "fast_period", "exit.slow")
    assert hill.named(hill.neighbourhood().best) == "fast_period 30, exit.slow 3"
    assert "a plateau" in next(hill.notes())
    await store(db, [run(10, 1, 9.0) for _ in range(3)])
    needle = await pivoted(db, "fast_period", "exit.slow")
    assert needle.named(needle.neighbourhood().best) == "fast_period 10, exit.slow 1"
    assert "a spike" in next(needle.notes())
    told = f"its 3 neighbours have {needle.neighbourhood().mean:.2f} on average, no nearer to it"
    assert told in next(needle.notes())


async def test_what_an_input_explains_is_the_variance_between_its_groups(
    db: asyncpg.Connection,
) -> None:
    runs = grid()
    await store(db, runs)
    found = await pivoted(db, "fast_period", "exit.slow")
    values = [r.sharpe_ratio or 0.0 for r in runs]
    mean = fmean(values)
    groups = [values[n : n + 5] for n in range(0, 25, 5)]
    between = sum(5 * (fmean(group) - mean) ** 2 for group in groups)
    share = between / sum((value - mean) ** 2 for value in values)
    assert found.explained["fast_period"] == pytest.approx(share)
    assert found.explained["exit.slow"] == pytest.approx(1 - share)


async def test_a_parameter_that_no_run_has_is_named(db: asyncpg.Connection) -> None:
    assert await pivot(db, (), ["fast_period"], "sharpe_ratio") is None
    await store(db, [run(10, 2, 0.5)])
    with pytest.raises(UsageError, match="no run has a parameter fast_perid") as raised:
        await pivot(db, (), ["fast_perid"], "sharpe_ratio")
    assert "fast_period" in raised.value.hint


def test_the_shell_shows_a_table_and_writes_a_record_a_cell(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_at(store_url, *grid())
    monkeypatch.setenv("COLUMNS", "60")
    answer = btstore("pivot", "fast_period", "exit.slow")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert [line.split()[0] for line in lines[-5:]] == ["10", "20", "30", "40", "100"]
    assert lines[-3].split() == ["30", "0.80", "0.90", "1.00", "0.90", "0.80"]
    assert max(map(len, lines)) <= 60
    assert "explains" in answer.err
    words = ["pivot", "fast_period", "exit.slow", "--format"]
    written = list(csv.DictReader(io.StringIO(btstore(*words, "csv").out)))
    assert len(written) == 25
    assert written[12]["parameters.fast_period"] == "30"
    assert written[12]["median_sharpe_ratio"] == "1.0"
    assert json.loads(btstore(*words, "json").out)[12]["parameters.fast_period"] == 30
    with monkeypatch.context() as terminal:
        terminal.setattr(tables, "has_colours", lambda _: True)
        shaded = btstore("pivot", "fast_period", "exit.slow").out
    assert f"\x1b[{SHADES[-1]}m1.00\x1b[0m" in shaded
    assert f"\x1b[{SHADES[0]}m-0.60\x1b[0m" in shaded
    counted = btstore("pivot", "fast_period", "exit.slow", "--agg", "count")
    assert counted.out.splitlines()[-1].split() == ["100", "1", "1", "1", "1", "1"]
    assert btstore("pivot", "fast_period", "--metric", "nope").code == 2
    nobodys = btstore("pivot", "fast_period", "--strategy", "Nobody").err
    assert nobodys == "warning: there is no strategy 'Nobody'\nno run matches\n"


async def test_an_infinite_metric_counts_as_the_highest(db: asyncpg.Connection) -> None:
    endless = [make_record(parameters={"n": n}, profit_factor=inf) for n in (3, 4)]
    known = [make_record(parameters={"n": n}, profit_factor=n / 2) for n in (1, 2, 5)]
    await store(db, [*endless, *known])
    found = await pivot(db, (), ["n"], "profit_factor")
    assert found is not None
    assert next(found.notes()).startswith("the best median profit_factor is inf, at n 3, a plateau")


def test_a_heat_map_is_drawn_into_a_file(store_url: str, tmp_path: Path) -> None:
    store_at(store_url, *grid(), run("<b>&\x1b$x_$", 3, 0.5))
    words = ["pivot", "fast_period", "exit.slow", "--output"]
    file = tmp_path / "map.svg"
    answer = btstore(*words, str(file))
    assert (answer.code, answer.out, answer.err) == (0, "", f"wrote {file}\n")
    picture = ET.fromstring(file.read_text("utf-8"))  # noqa: S314 - it is our own
    drawn = [element.text for element in picture.iter(f"{SVG}text")]
    assert "<b>&\\x1b$x_$" in drawn
    assert {"1.00", "-0.60", "0.50", "100", "exit.slow"} <= {*drawn}
    shaded = Counter(re.findall(r"fill: (#[0-9a-f]{6}); stroke: #ffffff", file.read_text("utf-8")))
    assert (sum(shaded.values()), len(shaded)) == (26, SHADES_DRAWN)
    png = tmp_path / "map.png"
    assert btstore(*words, str(png)).code == 0
    from matplotlib import image  # which takes half a second

    height, width, _ = image.imread(png).shape
    assert width > 500
    assert height > 300
    before = file.read_bytes()
    assert btstore(*words, str(file), "--yes").code == 0
    assert file.read_bytes() == before
    assert btstore(*words, str(file)).code == 1  # it is there, and nobody answered
    assert btstore(*words, str(tmp_path / "map.pdf")).code == 2
    one = tmp_path / "one.svg"
    assert btstore("pivot", "exit.slow", "--output", str(one)).code == 0


@pytest.mark.parametrize("size", [browser.PHONE, browser.DESK])
def test_a_browser_shows_the_page(store_url: str, tmp_path: Path, size: tuple[int, int]) -> None:
    store_at(store_url, *grid(), run("<script>alert(1)</script>", 3, 0.5))
    page = tmp_path / "map.html"
    assert btstore("pivot", "fast_period", "exit.slow", "--output", str(page)).code == 0
    assert "<script" not in page.read_text("utf-8")
    seen = browser.opened(page, size)
    assert seen.width <= seen.window
    assert (seen.broken_images, seen.requests) == (0, 0)
    assert "explains" in seen.text


def test_a_grid_of_many_values_is_drawn_without_figures(store_url: str, tmp_path: Path) -> None:
    store_at(store_url, *(run(fast, 2, fast / 100) for fast in range(60)))
    file = tmp_path / "map.svg"
    assert btstore("pivot", "fast_period", "exit.slow", "--output", str(file)).code == 0
    picture = ET.fromstring(file.read_text("utf-8"))  # noqa: S314 - it is our own
    drawn = {element.text for element in picture.iter(f"{SVG}text")}
    assert "0.42" not in drawn
    assert {"0", "2", "58"} <= drawn
