"""Values become text: exact, or easy to read, and never what a terminal acts on."""

import csv
import io
import json
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from math import inf
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_store.cli.output import cells, for_people, render
from backtest_store.cli.output.cells import Column
from backtest_store.cli.output.formats.csv_and_json import CSV_TEXTS, JSON_TEXTS
from backtest_store.cli.output.formats.format_list import Format
from backtest_store.cli.output.terminal_text import printable, shorten, width, wrapped
from backtest_store.models import Record
from tests.factories import make_record

COLUMNS = {column.name: column for column in cells.columns(Record)}
TEXT = st.text(max_size=60)
WIDE = st.text(alphabet="aé漢字🙂 \u0301", max_size=40)


def acts_on_a_terminal(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"}


@given(TEXT)
def test_printable_text_has_nothing_that_a_terminal_acts_on(text: str) -> None:
    shown = printable(text)
    assert not any(map(acts_on_a_terminal, shown))
    assert shown.isprintable()
    if text.isprintable():
        assert shown == text


@given(TEXT)
def test_text_in_csv_is_no_formula(text: str) -> None:
    shown = CSV_TEXTS[type(text)](text)
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert shown.isprintable()


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=x", "\r=x", "\n=x"])
def test_a_formula_stays_readable(text: str) -> None:
    assert CSV_TEXTS[type(text)](text).replace("'", "", 1).strip() == text.strip()


@given(TEXT, st.lists(TEXT, max_size=3))
def test_json_says_text_exactly_and_on_one_safe_line(text: str, texts: list[str]) -> None:
    for encoded, value in (
        (JSON_TEXTS[type(text)](text), text),
        (JSON_TEXTS[type(texts)](texts), texts),
    ):
        assert encoded.isprintable()
        assert json.loads(encoded) == value


@given(
    st.dictionaries(TEXT, TEXT | st.integers() | st.floats(allow_nan=False, allow_infinity=False))
)
def test_nested_json_says_everything_exactly(value: dict[str, object]) -> None:
    encoded = JSON_TEXTS[type(value)](value)
    assert encoded.isprintable()
    assert json.loads(encoded) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_keeps_its_precision(value: float) -> None:
    for written in (JSON_TEXTS[type(value)](value), CSV_TEXTS[type(value)](value)):
        assert float(written) == value


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_an_amount_is_exact_and_without_an_exponent(value: Decimal) -> None:
    text = cells.exact(value)
    assert isinstance(text, str)
    assert Decimal(text) == value
    assert "E" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2024, 1, 31, 12, 30, tzinfo=UTC), "2024-01-31T12:30:00+00:00"),
        (date(2024, 1, 31), "2024-01-31"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (10, "10"),
        (["a", "b"], '["a", "b"]'),
    ],
)
def test_a_cell_says_its_value(value: object, text: object) -> None:
    assert cells.exact(value) == text


@given(st.lists(TEXT, max_size=4))
def test_a_csv_cell_comes_back_as_one(texts: list[str]) -> None:
    encoded = [CSV_TEXTS[type(text)](text) for text in texts]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(encoded)
    assert list(csv.reader(io.StringIO(out.getvalue()))) == [encoded] or not encoded


@given(WIDE, st.integers(1, 20))
def test_shortened_text_fits_and_says_that_it_is_cut(text: str, places: int) -> None:
    short = shorten(text, places)
    assert width(short) <= places
    assert short == text if width(text) <= places else short.endswith("…")


@given(WIDE, st.integers(2, 20))
def test_broken_text_fits_and_loses_only_spaces(text: str, places: int) -> None:
    lines = list(wrapped(text, places))
    assert all(width(line) <= places for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(("text", "places"), [("abc", 3), ("漢字", 4), ("e\u0301", 1), ("🙂", 2)])
def test_width_counts_places_on_a_terminal(text: str, places: int) -> None:
    assert width(text) == places


@given(st.lists(st.uuids(), unique=True, min_size=1, max_size=30))
def test_short_ids_tell_runs_apart(ids: list[UUID]) -> None:
    short = cells.short_ids([str(i) for i in ids])
    assert len(set(short.values())) == len(ids)
    assert all(str(i).startswith(short[str(i)]) and len(short[str(i)]) >= 8 for i in ids)


def test_short_ids_grow_until_they_differ() -> None:
    low, high = (
        UUID("12345678-9abc-4000-8000-000000000000"),
        UUID("12345678-9abd-4000-8000-0" + "0" * 11),
    )
    assert set(cells.short_ids([str(low), str(high)]).values()) == {
        "12345678-9abc",
        "12345678-9abd",
    }


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("total_return", 0.1234, "12.34%"),
        ("total_return", -0.00001, "0.00%"),
        ("total_return", 123.4, "12,340.00%"),
        ("sharpe_ratio", -1.005, "-1.00"),
        ("sharpe_ratio", 1e12, "1e+12"),
        ("net_profit", Decimal("1234567.891"), "1,234,567.89"),
        ("net_profit", Decimal("0.00012345"), "0.000123"),
        ("net_profit", Decimal("0.00"), "0.00"),
        ("total_trades", 1234567, "1,234,567"),
        ("duration_seconds", 0.1234, "0.123 s"),
        ("duration_seconds", 75.2, "1 min 15 s"),
        ("duration_seconds", 3725.0, "1 h 02 min"),
        ("started_at", datetime(2024, 1, 31, 12, 30, 59, tzinfo=UTC), "2024-01-31 12:30"),
        ("start_date", datetime(2024, 1, 31, tzinfo=UTC), "2024-01-31"),
        ("tags", ["a", "b\x1b"], "a, b\\x1b"),
        ("tags", [], "–"),
        ("note", None, "–"),
        ("note", "two\nlines", "two lines"),
    ],
)
def test_people_read_a_value_in_its_unit(name: str, value: Any, shown: str) -> None:
    assert for_people.readable(COLUMNS[name], value) == shown


def test_a_sparkline_has_a_bar_a_value() -> None:
    assert for_people.sparkline([0, 1, None, 2]) == "▁▅ █"
    assert for_people.sparkline([1.5, 1.5]) == "▄▄"
    assert for_people.sparkline([]) == ""


def test_a_new_metric_needs_no_line_here() -> None:
    column = Column("omega_ratio", "float", "ratio", "highest")
    assert for_people.readable(column, 1.2345) == "1.23"


@pytest.mark.parametrize(
    ("format_", "written"),
    [(Format.JSON, '"profit_factor":"Infinity"'), (Format.CSV, "Infinity"), (Format.TABLE, "∞")],
)
def test_a_ratio_without_a_limit_is_written_as_such(
    capsys: pytest.CaptureFixture[str], format_: Format, written: str
) -> None:
    render.one(make_record(profit_factor=inf), format_)
    out = capsys.readouterr().out
    assert written in (out.replace('": ', '":') if format_ is Format.JSON else out)
    if format_ is Format.JSON:
        assert json.loads(out, parse_constant=pytest.fail)["profit_factor"] == "Infinity"
