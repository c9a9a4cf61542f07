"""Completion offers strategies, runs and fields; without a store it is silent."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from backtest_store.cli import completion
from backtest_store.fields import SORTABLE
from tests.factories import make_record, store_at

RUN = UUID("abcd0001-0000-4000-8000-000000000000")


@pytest.fixture
def runs(store_url: str) -> None:
    """Store two runs of different strategies."""
    store_at(
        store_url,
        make_record(run_id=RUN, strategy_name="SMA Crossover"),
        make_record(strategy_name="SMA\x1bEvil"),
    )


@pytest.mark.usefixtures("runs")
def test_strategies_that_begin_so() -> None:
    assert "SMA Crossover" in completion.strategies("SMA")
    assert completion.strategies("SMA C") == ["SMA Crossover"]
    assert completion.strategies("%") == []


@pytest.mark.usefixtures("runs")
def test_runs_that_begin_so_with_what_one_knows_them_by() -> None:
    ((run, known_by),) = completion.runs("abcd0001")
    assert run == str(RUN)
    assert known_by.endswith("SMA Crossover")
    assert len(completion.runs("")) == 2
    assert completion.runs("xyz") == []
    assert all("\x1b" not in words for _, words in completion.runs(""))
    assert [name for name, _ in completion.runs("@l")] == ["@latest"]


def test_fields_that_begin_so() -> None:
    assert completion.sortable("sharpe") == ["sharpe_ratio"]
    assert completion.sortable("") == list(SORTABLE)


@pytest.mark.parametrize(
    "url", ["postgresql://nobody@127.0.0.1:1/nothing", "nonsense", "postgresql://[", ""]
)
def test_without_a_store_it_offers_nothing_and_makes_nothing(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    url: str,
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", url)
    assert completion.strategies("") == []
    assert completion.runs("") == []
    assert capfd.readouterr() == ("", "")
    assert not home.exists()


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("btstore hist", "history"),
        ("btstore history --str", "--strategy"),
        ("btstore history --sort sortino", "sortino_ratio"),
        ("btstore history --status fa", "failed"),
        ("btstore history --format js", "jsonl"),
        ("btstore show abcd0001", str(RUN)),
        ("btstore trend SM", "SMA Crossover"),
    ],
)
def test_bash_gets_what_fits(typed: str, offered: str) -> None:
    environment = os.environ | {
        "_BTSTORE_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
    }
    program = "import sys; sys.argv[0] = 'btstore'; from backtest_store.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert offered in done.stdout.splitlines()
    assert done.stderr == ""
