"""The months of a run, a line a year."""

from datetime import date

from backtest_store.cli.output.pages.calendar_table import lines
from tests.factories import make_record


def test_a_line_has_the_months_of_a_year_and_the_year() -> None:
    returns = [0.0523, None, -0.104, *[0.0] * 9, 0.5, -0.0004]
    run = make_record(
        period="month",
        period_start=date(2019, 1, 1),
        period_returns=returns,
        period_counts=[0 if r is None else 20 for r in returns],
        period_means=returns,
        period_deviations=returns,
    )
    heading, first, second = lines(run)
    assert heading.split() == [
        "in", "%", "Jan", "Feb", "Mar", "Apr", "May", "Jun",
        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "year",
    ]  # fmt: skip
    # 1.0523 * 0.896 - 1 is -5.7 %; February had no market data.
    assert first == "2019   5.2       -10" + "  0.0" * 9 + "   -5.7"
    assert second.split() == ["2020", "50.0", "0.0", "49.9"]
    assert {len(line) for line in lines(run)} == {72}


def test_days_are_summed_up_to_months() -> None:
    run = make_record(
        period="day",
        period_start=date(2020, 1, 31),
        period_returns=[0.1, None, -0.1],
        period_counts=None,
        period_means=None,
        period_deviations=None,
    )
    assert lines(run)[1].split() == ["2020", "10.0", "-10", "-1.0"]


def test_a_run_without_months_has_no_table() -> None:
    assert lines(make_record(status="failed")) == []
