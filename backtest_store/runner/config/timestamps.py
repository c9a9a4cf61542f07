"""Times as market data files write them, to nanoseconds since 1970 in UTC."""

from datetime import UTC, date, datetime, timedelta

NANOSECONDS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH_UNITS = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3), (10**20, 1))
_ISO_DATE_DIGITS = 8


def parse_timestamp(text: str) -> int:
    """Return nanoseconds since 1970, UTC, of an ISO 8601 date or time or of an epoch number.

    A time without a zone is UTC. The size of an epoch number tells its unit: seconds,
    milliseconds, microseconds or nanoseconds. ISO times count to the microsecond.
    """
    if text.isdecimal() and len(text) != _ISO_DATE_DIGITS:
        return _from_epoch(int(text))
    try:
        return nanoseconds(datetime.fromisoformat(text))
    except ValueError:
        raise ValueError(
            f"{text!r} is not a time; write it as 2005-01-31, 2005-01-31T15:30:00Z or seconds since"
            " 1970"
        ) from None


def nanoseconds(moment: datetime) -> int:
    """Return nanoseconds since 1970; a moment without a zone is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND * 1000


def to_datetime(time: int) -> datetime:
    """Return the UTC time of nanoseconds since 1970, to the microsecond."""
    return _EPOCH + timedelta(microseconds=time // 1000)


def first_moment(value: date) -> int:
    """Return where a range that starts with this date or time begins."""
    return nanoseconds(value if isinstance(value, datetime) else _midnight(value))


def last_moment(value: date) -> int:
    """Return where a range that ends with this date, all of it, or this time ends."""
    if isinstance(value, datetime):
        return nanoseconds(value)
    return nanoseconds(_midnight(value) + timedelta(days=1)) - 1


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _from_epoch(number: int) -> int:
    for limit, nanoseconds_each in _EPOCH_UNITS:
        if number < limit:
            return number * nanoseconds_each
    raise ValueError(f"{number} is not a time; as nanoseconds since 1970 it is out of range")
