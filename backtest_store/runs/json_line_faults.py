"""Whether a line of JSON is a run: said before the database is asked, by field and value."""

from __future__ import annotations

import json
from decimal import Decimal

from backtest_store.models import METRIC_FIELDS, RECORD_FIELDS, STATUSES_WITH_METRICS, adapter

_KNOWN = frozenset(RECORD_FIELDS)


def fault_of(line: str | bytes) -> str:
    """Return why a line is no run; empty if it may be one, which the database has to say.

    PostgreSQL alone takes `now` and `tomorrow` for times, and leaves out metrics of a run that
    failed: neither is what somebody wanted to store.
    """
    # Decimals hold every number that the store does, but take half as long again to read.
    return _fault_of(line, float) and _fault_of(line, Decimal)


def _fault_of(line: str | bytes, number: type[float | Decimal]) -> str:
    try:
        record = json.loads(line, parse_float=number)
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} in column {error.colno}"
    except UnicodeDecodeError:
        return "not JSON: not UTF-8"
    except (ValueError, ArithmeticError, RecursionError) as error:
        return f"not JSON: {error}"
    if not isinstance(record, dict) or "run_id" not in record:
        return "not a run"
    if unknown := record.keys() - _KNOWN:
        return f"this version knows no field {min(unknown)!r}"
    return _wrong_value(record) or _needless_metric(record)


def _wrong_value(record: dict[str, object]) -> str:
    from pydantic import ValidationError

    try:
        adapter().validate_python(record)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        given = "" if first["type"] == "missing" else f", was {_shortly(first['input'])}"
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}{given}"
    return ""


def _needless_metric(record: dict[str, object]) -> str:
    if record["status"] in STATUSES_WITH_METRICS:
        return ""
    given = [name for name in METRIC_FIELDS if record.get(name) is not None]
    return f"{given[0]}: a run that is {record['status']} has no metrics" if given else ""


def _shortly(value: object, most: int = 60) -> str:
    try:
        text = repr(value)
    except RecursionError:
        text = "nested too deep"
    return text if len(text) <= most else f"{text[:most]}…"
