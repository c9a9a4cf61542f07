"""One value is written one way, whatever the command, the option or the rows around it."""

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal

import pytest

from backtest_store.models import Record
from tests.factories import STARTED, make_record, store_at
from tests.shell import btstore

HARMLESS = make_record(strategy_name="plain")
NASTY = [
    make_record(
        strategy_name="-5",
        note="first\nsecond",
        tags=["-1", "a\nb"],
        started_at=STARTED + timedelta(hours=1, milliseconds=500),
        sharpe_ratio=10.0,
        sortino_ratio=1e15,
        total_return=1.5e-7,
        net_profit=Decimal("-0.50"),
        parameters={"n": -5, "text": "-5", "ratio": 1.50, "list": [-1, "=1"], "mixed": -5},
    ),
    make_record(
        strategy_name="=1+1",
        note="\n",
        started_at=STARTED + timedelta(hours=2),
        sharpe_ratio=-5.0,
        profit_factor=1e300,
        parameters={"mixed": "x", "n": 2.0, "none": None},
    ),
    make_record(started_at=STARTED + timedelta(hours=3), note="\u2028 \x1b[2J", parameters={}),
]


def cells_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("format_", ["csv", "json", "jsonl"])
@pytest.mark.parametrize("others", [[], [HARMLESS]], ids=["alone", "among others"])
def test_a_list_is_the_same_with_and_without_all(
    store_url: str, format_: str, others: list[Record]
) -> None:
    store_at(store_url, *NASTY, *others)
    listed = btstore("history", "--format", format_).out
    assert listed == btstore("history", "--all", "--format", format_).out
    assert len(listed.splitlines()) >= len(NASTY)


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
@pytest.mark.parametrize("run", NASTY, ids=lambda run: repr(run.strategy_name))
def test_a_run_is_the_same_line_whoever_is_beside_it(
    store_url: str, format_: str, run: Record
) -> None:
    store_at(store_url, run)
    alone = btstore("history", "--all", "--format", format_).out.splitlines()[-1]
    store_at(store_url, *(other for other in [*NASTY, HARMLESS] if other.run_id != run.run_id))
    assert alone in btstore("history", "--all", "--format", format_).out.splitlines()


def test_every_command_writes_the_same_cell(store_url: str) -> None:
    store_at(store_url, *NASTY)
    ids = [str(run.run_id) for run in NASTY]
    listed = {row["run_id"]: row for row in cells_of(btstore("history", "--format", "csv").out)}
    compared = cells_of(btstore("compare", *ids, "--format", "csv").out)
    for run_id, beside in zip(ids, compared, strict=True):
        (shown,) = cells_of(btstore("show", run_id, "--format", "csv").out)
        for name in listed[run_id].keys() & beside.keys():
            assert listed[run_id][name] == shown[name] == beside[name], name


def test_a_number_stays_one_beside_text(store_url: str) -> None:
    store_at(store_url, *NASTY)
    ids = [str(run.run_id) for run in NASTY[:2]]
    first, second = cells_of(btstore("compare", *ids, "--format", "csv").out)
    assert (first["parameters.mixed"], second["parameters.mixed"]) == ("-5", "x")
    assert (first["parameters.n"], second["parameters.n"]) == ("-5", "2.0")
    assert (first["parameters.text"], first["parameters.list"]) == ("'-5", '[-1, "=1"]')


def test_json_is_the_same_in_an_array_and_alone(store_url: str) -> None:
    store_at(store_url, *NASTY)
    lines = btstore("history", "--format", "jsonl").out.splitlines()
    array = btstore("history", "--format", "json").out
    assert array == "[\n" + ",\n".join(lines) + "\n]\n"
    for line in lines:
        shown = btstore("show", json.loads(line)["run_id"], "--format", "json").out
        for pair in line[1:-1].split(', "')[:20]:
            assert pair.strip('"') in shown
