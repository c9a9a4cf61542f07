from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_store.runner.config.timestamps import (
    first_moment,
    last_moment,
    nanoseconds,
    parse_timestamp,
    to_datetime,
)

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01", 0),
        ("1970-01-02", 86_400 * 10**9),
        ("19700102", 86_400 * 10**9),
        ("1970-01-01 00:00:01", 10**9),
        ("1970-01-01T00:00:01Z", 10**9),
        ("1970-01-01T02:00:01+02:00", 10**9),
        ("1970-01-01 00:00:00.000001", 1000),
        ("1969-12-31", -86_400 * 10**9),
        ("915408000", 915_408_000 * 10**9),
        ("1483308000", 1_483_308_000 * 10**9),
        ("1483308000123", 1_483_308_000_123 * 10**6),
        ("1483308000123456", 1_483_308_000_123_456 * 10**3),
        ("1483308000123456789", 1_483_308_000_123_456_789),
    ],
)
def test_a_time_is_read_in_the_usual_formats(text: str, expected: int) -> None:
    assert parse_timestamp(text) == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "1/4/1999", "2005-02-30", "nan", "-5", "1.5", "9" * 30, "²"]
)
def test_what_is_not_a_time_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time") as caught:
        parse_timestamp(text)
    assert text in str(caught.value)


@given(st.datetimes(timezones=st.one_of(st.none(), ZONES), min_value=datetime(2, 1, 1)))  # noqa: DTZ001
def test_iso_text_comes_back_as_the_same_moment(moment: datetime) -> None:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    assert to_datetime(parse_timestamp(moment.isoformat())) == aware


@given(st.dates())
def test_a_day_ends_one_nanosecond_before_the_next_begins(day: date) -> None:
    if day < date.max:
        assert last_moment(day) + 1 == first_moment(day + timedelta(days=1))
    assert first_moment(day) <= last_moment(day)


def test_a_range_may_begin_and_end_within_a_day() -> None:
    moment = datetime(2005, 1, 31, 15, 30, tzinfo=UTC)
    assert first_moment(moment) == last_moment(moment) == nanoseconds(moment)
