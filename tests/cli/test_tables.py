"""A table fits its terminal: text is cut, columns go, numbers never suffer."""

import io
import re
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_store.cli.output import cells, for_people, render, tables, terminal_text
from backtest_store.cli.output.cells import Column
from backtest_store.cli.output.formats.format_list import FORMATS, Format
from backtest_store.cli.output.run_lists import BY_NEED
from backtest_store.cli.output.streams import StandardOutput
from backtest_store.cli.output.tables import TableColumn
from backtest_store.models import Record
from backtest_store.runs.compare import Comparison
from tests.factories import STARTED, make_record

NUMBERS = st.decimals(-(10**6), 10**6, places=2).map("{:,}".format)
TEXTS = st.text(alphabet="ab 漢é", max_size=40)
RUNS = [
    make_record(
        started_at=STARTED + timedelta(hours=n),
        strategy_name=f"Strategy of some length {n}",
        parameters={"fast_period": n, "slow_period": 10 * n, "same": 1},
        tags=["sweep"],
        sharpe_ratio=n - 5.25,
        net_profit=10**n,
    )
    for n in range(9)
]


def strip(rank: int, texts: list[str], *, is_number: bool) -> TableColumn:
    return TableColumn(
        f"column {rank}", tuple(texts), right=is_number, flexible=not is_number, rank=rank
    )


def output(capsys: pytest.CaptureFixture[str], places: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(places))
    render.many(RUNS, Format.TABLE, shown=BY_NEED)
    return capsys.readouterr().out


@given(st.data(), st.integers(60, 250))
def test_what_is_fitted_fits_and_keeps_numbers_whole(data: st.DataObject, places: int) -> None:
    table_columns = [
        strip(rank, data.draw(st.lists(kind, min_size=3, max_size=3)), is_number=kind is NUMBERS)
        for rank, kind in enumerate(
            data.draw(st.lists(st.sampled_from([NUMBERS, TEXTS]), min_size=1, max_size=12))
        )
    ]
    fitted = tables.fitted(table_columns, places)
    assert sum(s.width for s in fitted) + tables.GAP * (len(fitted) - 1) <= places
    whole = {s.texts for s in table_columns}
    assert all(s.texts in whole for s in fitted if s.right)
    gone = [s.rank for s in table_columns if s.rank not in {f.rank for f in fitted}]
    assert min(gone, default=len(table_columns)) > 0


@pytest.mark.parametrize("places", [60, 80, 100, 120, 160, 200, 300])
def test_a_list_of_runs_fits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, places: int
) -> None:
    lines = output(capsys, places, monkeypatch).splitlines()
    assert max(map(terminal_text.width, lines)) <= places
    assert all(re.search(r" -5\.25| 2\.75", line) for line in (lines[-9], lines[-1]))


def test_the_wider_the_terminal_the_more_it_shows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow, wide = (output(capsys, places, monkeypatch) for places in (80, 240))
    assert "…" in narrow
    assert "length 8" in wide
    heading, *others = wide.splitlines()
    assert {"fast_", "slow_"} <= {*heading.split()}
    assert re.search(r"SPX.XCBO +8 +80 ", others[-1])
    assert "same" not in wide


def test_every_run_that_succeeded_is_no_news(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "status" not in output(capsys, 200, monkeypatch)
    render.many([*RUNS, make_record(status="failed")], Format.TABLE, shown=BY_NEED)
    assert "failed" in capsys.readouterr().out


def test_wide_characters_are_aligned(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = ["漢字漢字漢字漢字漢字", "Cafe\u0301", "plain", "🙂🙂"]
    render.many([make_record(strategy_name=n) for n in names], Format.TABLE, shown=BY_NEED)
    header, rule, *lines = capsys.readouterr().out.splitlines()
    assert {terminal_text.width(line) for line in lines} == {terminal_text.width(rule)}
    assert header.startswith("run ")


def test_a_comparison_wider_than_the_terminal_comes_in_blocks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    render.side_by_side(Comparison(RUNS), Format.TABLE)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(terminal_text.width, lines)) <= 80
    heads = [line for line in lines if line.startswith("run ")]
    assert len(heads) > 1
    assert (
        " ".join(heads).split() == " ".join(word for head in heads for word in head.split()).split()
    )
    shown = {word for head in heads for word in head.split()[1:]}
    assert shown == {str(run.run_id)[:8] for run in RUNS}


def test_a_record_is_shown_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    note = " ".join(f"word{n}" for n in range(100))
    render.one(make_record(note=note, parameters={"exit": {"atr": 2.5}}), Format.TABLE)
    out = capsys.readouterr().out
    assert all(f"word{n}" in out for n in range(100))
    assert re.search(r"parameters\.exit\.atr +2\.5", out)
    assert max(map(len, out.splitlines())) <= 60


def test_markdown_keeps_everything_and_its_cells_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    render.many(
        [make_record(strategy_name="a|b <i> \\ " + "x" * 150)],
        Format.MARKDOWN,
        shown=BY_NEED,
    )
    header, rule, line = capsys.readouterr().out.splitlines()
    assert "a\\|b &lt;i> \\\\" in line
    assert "x" * 150 in line
    assert set(rule) <= set("|-: ")
    assert len(re.findall(r"(?<!\\)\|", line)) == header.count("|")


class Terminal(io.StringIO):
    """A terminal, as far as a table cares."""

    def isatty(self) -> bool:
        """Say that this is a terminal."""
        return True


@pytest.mark.parametrize(
    ("variable", "value", "coloured"),
    [("", "", True), ("NO_COLOR", "1", False), ("TERM", "dumb", False)],
)
def test_colour_is_for_terminals_whose_users_do_not_mind(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, *, coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    if variable:
        monkeypatch.setenv(variable, value)
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    render.many([make_record(status="failed"), make_record()], Format.TABLE, shown=BY_NEED)
    out = terminal.getvalue()
    assert ("\x1b[31mfailed" in out) == coloured
    assert ("\x1b" in out) == coloured


def test_a_pipe_gets_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    render.many([make_record(status="failed")], Format.TABLE, shown=BY_NEED)
    assert "\x1b" not in capsys.readouterr().out


def compared(
    capsys: pytest.CaptureFixture[str], runs: list[Record], baseline: Record | None = None
) -> list[str]:
    render.side_by_side(Comparison(runs, baseline), Format.TABLE)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("places", [40, 80, 120])
def test_a_comparison_cuts_texts_and_no_number(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, places: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(places))
    runs = [
        make_record(
            strategy_name="S" * 90 + str(n),
            net_profit=Decimal(f"{n}234567890.12"),
            cagr=n * 1e4,
            parameters={"exponent": -n * 0.12345678901234567e-100},
        )
        for n in (1, 2)
    ]
    out = "\n".join(compared(capsys, runs, runs[0]))
    assert re.search(r"S{5,}…", out)
    assert "*2,234,567,890.12 (+1,000,000,000.00)" in out
    assert "*2,000,000.00% (+1,000,000.00 pp)" in out
    assert "-1.2345678901234567e-101" in out
    assert not re.search(r"\d…", out)


def test_the_blocks_of_a_comparison_stand_apart(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    lines = compared(capsys, RUNS[:4])
    first, second = (place for place, line in enumerate(lines) if line.startswith("run "))
    assert (first, lines[second - 1]) == (0, "")


def test_amounts_in_two_currencies_are_not_compared(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [make_record(), make_record(currency="JPY", net_profit=10**6, sharpe_ratio=2.0)]
    lines = compared(capsys, runs, runs[0])
    (profit,) = (line for line in lines if line.startswith("+ net_profit"))
    (ratio,) = (line for line in lines if line.startswith("sharpe_ratio"))
    assert profit.split() == ["+", "net_profit", "25,000.50", "1,000,000.00"]
    assert ratio.split() == ["sharpe_ratio", "0.75", "*2.00", "(+1.25)"]


def test_a_table_says_its_units(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = output(capsys, 300, monkeypatch)
    assert "started (UTC)" in listed
    assert "currency" in listed
    render.side_by_side(Comparison(RUNS[:2]), Format.TABLE, everything=True)
    assert "\nstarted_at (UTC) " in capsys.readouterr().out
    render.one(make_record(currency="EUR"), Format.TABLE)
    shown = capsys.readouterr().out
    assert re.search(r"net_profit +25,000\.50 EUR\n", shown)
    assert re.search(r"started_at +2026-01-05 12:30:00 UTC\n", shown)


def test_a_profit_is_never_without_its_currency(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for places in range(80, 300, 10):
        head = output(capsys, places, monkeypatch).splitlines()[0]
        assert "currency" in head or "net profit" not in head


def test_a_traceback_keeps_its_indentation(capsys: pytest.CaptureFixture[str]) -> None:
    trace = 'Traceback:\n  File "a.py", line 1\n    x\nValueError: no'
    render.one(make_record(status="failed", error_traceback=trace), Format.TABLE)
    lines = capsys.readouterr().out.splitlines()[-4:]
    start = lines[0].index("Traceback")
    assert "\n".join(line[start:] for line in lines) == trace


def test_markdown_with_a_long_text_stays_small(capsys: pytest.CaptureFixture[str]) -> None:
    trace = "line\n" * 1000
    render.one(
        make_record(status="failed", note="n" * 10**6, error_traceback=trace), Format.MARKDOWN
    )
    assert len(capsys.readouterr().out) < 2 * 10**6


@pytest.mark.parametrize("name", ["total_return", "net_profit", "sharpe_ratio"])
@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_no_number_is_too_wide_for_a_table(name: str, value: float) -> None:
    amount = Decimal(value) if name == "net_profit" else value
    (column,) = (c for c in cells.columns(Record) if c.name == name)
    assert len(for_people.readable(column, amount)) <= 26


class NamesWriter:
    """A format of a test's own: the names of the columns, and how many rows there are."""

    def __init__(
        self, columns: Sequence[Column], out: StandardOutput, _: Sequence[str] = ()
    ) -> None:
        out.write(" ".join(column.name for column in columns))
        self._out = out

    def write(self, rows: Sequence[Sequence[object]]) -> None:
        """Count rows."""
        self._out.write(f": {len(rows)}")

    def close(self) -> None:
        """End the line."""
        self._out.write("\n")


def test_a_new_format_is_one_class(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORMATS, Format.CSV, f"{__name__}:NamesWriter")
    render.many(RUNS, Format.CSV)
    render.one(RUNS[0], Format.CSV)
    render.side_by_side(Comparison(RUNS[:2]), Format.CSV)
    many, one, compared_ = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"run_id status .*: 9", many)
    assert re.fullmatch(r"run_id .* engine_stats warnings: 1", one)
    assert re.fullmatch(r"run_id .* parameters\.same: 2", compared_)
    assert FORMATS.keys() == {*Format}


def test_three_runs_stand_side_by_side_where_their_texts_can_be_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = compared(capsys, RUNS[:3])
    assert max(map(terminal_text.width, lines)) <= 80
    assert sum(line.startswith("run ") for line in lines) == 1
    (strategies,) = (line for line in lines if line.startswith("strategy "))
    assert strategies.count("…") == 3
