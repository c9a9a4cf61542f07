"""No cell of a CSV file is a formula, however a spreadsheet splits and trims it."""

import csv
import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_store.cli.output.formats import csv_formulas
from tests.factories import make_record, store_at
from tests.shell import btstore

FORMULAS = [
    "=1+1", " =1+1", "\u00a0=1+1", '"=1+1', ' " =1+1', "\n=1+1", "\r\n\t=1+1", "a;=1+1", 'a; "=1+1',
    "+1+1", "-1+1", "@SUM(A1)", "\uff1d1+1", "\u3000\uff0b1", "a;\n@x",
]  # fmt: skip
HARMLESS = ["", "a = b", "x=1", "1-2", "a, =b", "'=1", "2024-01-31", "a;b", "SMA+RSI", 'say "=x"']
PARTS = st.sampled_from([*'=+-@;," \n\t', "\u00a0", "\uff1d", "a", "5"])


def formulas(text: str) -> list[str]:
    """Return what a spreadsheet runs in a CSV file, in a country with either separator."""
    cells = [
        cell
        for delimiter in ",;"
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        for cell in row
    ]
    return [cell for cell in cells if is_formula(cell)]


def is_formula(cell: str) -> bool:
    """Say whether a cell is a formula once all that may be passed over is."""
    start = 0
    while start < len(cell) and (cell[start].isspace() or cell[start] == '"'):
        start += 1
    if cell[start : start + 1] not in {*"=+-@", *"\uff1d\uff0b\uff0d\uff20"}:
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False


def file_of(*cells: str) -> str:
    """Write one line of CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(["id", *cells, "end"])
    return out.getvalue()


@pytest.mark.parametrize("text", FORMULAS)
def test_the_oracle_knows_a_formula(text: str) -> None:
    assert formulas(file_of(text))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text: str) -> None:
    shown = csv_formulas.inert(text)
    assert not formulas(file_of(shown))
    assert shown.replace("'", "") == text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert csv_formulas.inert(text) == text


@given(st.lists(PARTS, max_size=12).map("".join), st.lists(PARTS, max_size=12).map("".join))
def test_no_text_is_a_formula(first: str, second: str) -> None:
    assert not formulas(file_of(csv_formulas.inert(first), csv_formulas.inert(second)))


@given(st.dictionaries(st.lists(PARTS, max_size=6).map("".join), st.lists(PARTS).map("".join)))
def test_json_is_no_formula_and_means_the_same(value: dict[str, str]) -> None:
    shown = csv_formulas.inert_json(json.dumps(value, ensure_ascii=False))
    assert not formulas(file_of(shown))
    assert json.loads(shown) == value


@pytest.mark.parametrize("text", ["\n", " ", '"', ";", "; ", "=", ";=", "\n "])
def test_long_text_takes_no_longer_than_its_length(text: str) -> None:
    started = time.process_time()
    csv_formulas.inert(text * 200_000)
    csv_formulas.inert_json(text * 200_000)
    assert time.process_time() - started < 5


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("text", FORMULAS)
def test_no_command_writes_a_formula(store_url: str, text: str) -> None:
    named = {"strategy_name": text, "tags": ["a", text], "note": text}
    runs = [make_record(**named, parameters={text: text, "n": n, "list": [text]}) for n in (1, 2)]
    store_at(store_url, *runs)
    ids = [str(run.run_id) for run in runs]
    for words in (["history"], ["history", "--all"], ["show", ids[0]], ["compare", *ids]):
        answer = btstore(*words, "--format", "csv")
        assert answer.code == 0
        assert not formulas(answer.out), words
