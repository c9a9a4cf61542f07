"""A report is one page that needs nothing but itself, readable in a browser of any size."""

import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backtest_store.cli.output.web import report
from backtest_store.models import Record
from backtest_store.statistics.months import DrawdownPeriod, drawdown_periods
from tests import browser
from tests.factories import make_record, store_at
from tests.shell import btstore

RETURNS = [0.1, -0.2, 0.05, 0.3, -0.1, 0.01, *[0.02] * 10]


def made(**changes: Any) -> Record:
    values: dict[str, Any] = {
        "period_start": date(2018, 11, 1),
        "period_returns": RETURNS,
        "period_counts": [20] * len(RETURNS),
        "period_means": RETURNS,
        "period_deviations": [0.1] * len(RETURNS),
    }
    return make_record(**values | changes)


class Tables(HTMLParser):
    """The cells of all tables of a page, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.in_cell = False

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - its signature
        """Begin a row or a cell."""
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")
        self.in_cell = tag in {"td", "th"}

    def handle_data(self, data: str) -> None:
        """Fill a cell."""
        if self.in_cell:
            self.rows[-1][-1] += data


def written(tmp_path: Path, *runs: Record) -> Path:
    file = tmp_path / "report.html"
    answer = btstore("report", *(str(run.run_id) for run in runs), "--output", str(file))
    assert (answer.code, answer.out, answer.err) == (0, "", f"wrote {file}\n")
    return file


def rows(page: Path) -> list[list[str]]:
    parser = Tables()
    parser.feed(page.read_text("utf-8"))
    return parser.rows


@pytest.mark.parametrize("size", [browser.PHONE, browser.DESK])
def test_a_browser_shows_a_report_of_several_runs(
    store_url: str, tmp_path: Path, size: tuple[int, int]
) -> None:
    nasty = made(strategy_name="<script>alert(1)</script>", parameters={"fast": "<b>&"})
    runs = [made(parameters={"fast": 1}), nasty]
    store_at(store_url, *runs)
    page = written(tmp_path, *runs)
    assert "<script" not in page.read_text("utf-8")
    assert not re.search(r"(src|href)=\"http|@import|url\(http", page.read_text("utf-8"))
    seen = browser.opened(page, size)
    assert seen.width <= seen.window
    assert (seen.broken_images, seen.requests) == (0, 0)
    for heading in ("Inputs that differ", "Result", "Equity and drawdown", "Correlation"):
        assert heading in seen.text


def test_figures_are_those_of_the_runs(store_url: str, tmp_path: Path) -> None:
    runs = [made(parameters={"fast": 1}), made(parameters={"fast": 2}, sharpe_ratio=1.25)]
    store_at(store_url, *runs)
    found = rows(written(tmp_path, *runs))
    assert ["fast", "1", "2"] in found
    assert ["sharpe_ratio", "0.75", "*1.25"] in found
    first = str(runs[0].run_id)[:8]
    assert [first, "1.00", "1.00"] in found
    assert ["2018", *[""] * 10, "10.0", "-20.0", "-12.0"] in found
    assert ["-20.0%", "2018-12", "2018-12", "2019-02"] in found
    assert ["-10.0%", "2019-03", "2019-03", "2019-09"] in found


def test_one_run_and_one_without_months(store_url: str, tmp_path: Path) -> None:
    names = ("period", "period_start", "period_returns", "period_counts", "period_means")
    old = make_record(**dict.fromkeys((*names, "period_deviations")))
    store_at(store_url, old)
    page = written(tmp_path, old)
    assert "stored without its months" in page.read_text("utf-8")
    assert ["fast_period", "10"] in rows(page)
    again = btstore("report", "@latest", "--output", str(page))
    assert again.code == 1  # it is there, and nobody answered
    assert btstore("report", "@latest", "--output", str(page), "--yes").code == 0
    assert btstore("report", "@latest", "--output", "report.pdf").code == 2


def test_a_month_is_drawn_where_it_ends_beside_the_days_of_a_shorter_run() -> None:
    # February earned 10 %: the daily run shows it on the 29th, and so must the monthly one.
    days = make_record(
        period="day", period_start=date(2020, 2, 28), period_returns=[0.0, 0.1],
        period_counts=None, period_means=None, period_deviations=None,
    )  # fmt: skip
    months = made(period="month", period_start=date(2020, 1, 1), period_returns=[0.0, 0.1])
    above, below = report._figure([days, months], ["a", "b"]).axes
    for axes in (above, below):
        daily, monthly = ([*np.asarray(line.get_xdata())] for line in axes.lines)
        assert daily[-1] == monthly[-1] == date(2020, 2, 29)
        assert monthly[0] == date(2020, 1, 31)


def test_drawdowns_end_where_the_peak_is_reached_again() -> None:
    levels = [1.1, 0.99, 1.0, 1.1, 1.2, 0.6, 0.9]
    dated = [(date(2020, n + 1, 1), level) for n, level in enumerate(levels)]
    first = DrawdownPeriod(
        start=date(2020, 2, 1), deepest=date(2020, 2, 1), depth=0.99 / 1.1 - 1, end=date(2020, 4, 1)
    )
    second = DrawdownPeriod(start=date(2020, 6, 1), deepest=date(2020, 6, 1), depth=-0.5)
    assert drawdown_periods(dated) == [second, first]
