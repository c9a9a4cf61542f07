"""A table fits its terminal: text is cut, columns go, numbers never suffer."""

import io
import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_store.cli import cells, render, tables
from backtest_store.cli.history import NEEDED
from backtest_store.cli.options import Format
from backtest_store.cli.tables import Strip
from backtest_store.compare import Comparison
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


def strip(rank: int, texts: list[str], *, is_number: bool) -> Strip:
    return Strip(f"column {rank}", tuple(texts), right=is_number, flexible=not is_number, rank=rank)


def output(capsys: pytest.CaptureFixture[str], places: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(places))
    render.many(RUNS, Format.TABLE, shown=NEEDED)
    return capsys.readouterr().out


@given(st.data(), st.integers(60, 250))
def test_what_is_fitted_fits_and_keeps_numbers_whole(data: st.DataObject, places: int) -> None:
    strips = [
        strip(rank, data.draw(st.lists(kind, min_size=3, max_size=3)), is_number=kind is NUMBERS)
        for rank, kind in enumerate(
            data.draw(st.lists(st.sampled_from([NUMBERS, TEXTS]), min_size=1, max_size=12))
        )
    ]
    fitted = tables.fitted(strips, places)
    assert sum(s.width for s in fitted) + tables.GAP * (len(fitted) - 1) <= places
    whole = {s.texts for s in strips}
    assert all(s.texts in whole for s in fitted if s.right)
    gone = [s.rank for s in strips if s.rank not in {f.rank for f in fitted}]
    assert min(gone, default=len(strips)) > 0


@pytest.mark.parametrize("places", [60, 80, 100, 120, 160, 200, 300])
def test_a_list_of_runs_fits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, places: int
) -> None:
    lines = output(capsys, places, monkeypatch).splitlines()
    assert max(map(cells.width, lines)) <= places
    assert all(re.search(r" -5\.25| 2\.75", line) for line in (lines[-9], lines[-1]))


def test_the_wider_the_terminal_the_more_it_shows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow, wide = (output(capsys, places, monkeypatch) for places in (80, 240))
    assert "…" in narrow
    assert "length 8" in wide
    assert "fast_period=8 slow_period=80" in wide
    assert "same=1" not in wide


def test_every_run_that_succeeded_is_no_news(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "status" not in output(capsys, 200, monkeypatch)
    render.many([*RUNS, make_record(status="failed")], Format.TABLE, shown=NEEDED)
    assert "failed" in capsys.readouterr().out


def test_wide_characters_are_aligned(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = ["漢字漢字漢字漢字漢字", "Cafe\u0301", "plain", "🙂🙂"]
    render.many([make_record(strategy_name=n) for n in names], Format.TABLE, shown=NEEDED)
    header, rule, *lines = capsys.readouterr().out.splitlines()
    assert {cells.width(line) for line in lines} == {cells.width(rule)}
    assert header.startswith("run ")


def test_a_comparison_wider_than_the_terminal_comes_in_blocks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    render.side_by_side(Comparison(RUNS), Format.TABLE)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(cells.width, lines)) <= 80
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
        [make_record(strategy_name="a|b <i> \\ " + "x" * 150)], Format.MARKDOWN, shown=NEEDED
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
    monkeypatch.setattr("sys.stdout", Terminal())
    render.many([make_record(status="failed"), make_record()], Format.TABLE, shown=NEEDED)
    out = render.sys.stdout.getvalue()  # type: ignore[attr-defined]
    assert ("\x1b[31mfailed" in out) == coloured
    assert ("\x1b" in out) == coloured


def test_a_pipe_gets_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    render.many([make_record(status="failed")], Format.TABLE, shown=NEEDED)
    assert "\x1b" not in capsys.readouterr().out
