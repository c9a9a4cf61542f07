"""Completion offers strategies, runs and fields; without a store it is silent."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from backtest_store.cli import completion
from backtest_store.store.record_fields import SORTABLE
from tests.factories import make_record, store_at
from tests.waiting import LONG

RUN = UUID("abcd0001-0000-4000-8000-000000000000")


@pytest.fixture(autouse=True)
def folder_of_btstore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with a `btstore` that waits for the store as long as a busy machine takes."""
    monkeypatch.setattr(completion, "PATIENCE_SECONDS", LONG)
    command = tmp_path / "bin" / "btstore"
    command.parent.mkdir()
    command.write_text(
        f"#!{sys.executable}\n"
        "from backtest_store.cli import app, completion\n"
        f"completion.PATIENCE_SECONDS = {LONG}\n"
        "app.entry()\n"
    )
    command.chmod(0o755)
    return command.parent


@pytest.fixture
def runs(store_url: str) -> None:
    """Store three runs, two of them of strategies that nobody could type."""
    store_at(
        store_url,
        make_record(run_id=RUN, strategy_name="SMA Crossover"),
        make_record(strategy_name="SMA\x1bEvil"),
        make_record(strategy_name="SMA" + "x" * 100_000),
    )


@pytest.mark.usefixtures("runs")
def test_strategies_that_begin_so() -> None:
    assert completion.strategies("SMA") == ["SMA Crossover"]
    assert completion.strategies("SMA C") == ["SMA Crossover"]
    assert completion.strategies("%") == []


@pytest.mark.usefixtures("runs")
def test_runs_that_begin_so_with_what_one_knows_them_by() -> None:
    ((run, known_by),) = completion.runs("abcd0001")
    assert run == str(RUN)
    assert known_by.endswith("SMA Crossover")
    assert len(completion.runs("")) == 3
    assert all(len(words) < 100 for _, words in completion.runs(""))
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
        ("btstore trend SM", "SMA\\ Crossover"),
        ("btstore trend 'SM", "SMA Crossover"),
        ("btstore history --after abcd", str(RUN)),
    ],
)
def test_bash_gets_what_fits(folder_of_btstore: Path, typed: str, offered: str) -> None:
    cursor = str(len(typed.split()) - 1)
    words = completed(folder_of_btstore, "complete_bash", COMP_WORDS=typed, COMP_CWORD=cursor)
    assert offered in words.splitlines()


@pytest.mark.usefixtures("runs")
def test_zsh_gets_what_fits_and_what_it_is(folder_of_btstore: Path) -> None:
    offered = completed(
        folder_of_btstore, "complete_zsh", _TYPER_COMPLETE_ARGS="btstore show abcd0001"
    )
    assert f'"{RUN}":"2026-01-05 12' in offered
    assert 'SMA Crossover"' in offered
    offered = completed(folder_of_btstore, "complete_zsh", _TYPER_COMPLETE_ARGS="btstore trend SM")
    assert '"SMA Crossover"' in offered


def completed(folder: Path, instruction: str, **environment: str) -> str:
    """Return what a shell is given that asks so."""
    done = subprocess.run(
        [folder / "btstore"],
        env=os.environ | {"_BTSTORE_COMPLETE": instruction} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.usefixtures("runs")
def test_a_real_bash_completes(folder_of_btstore: Path) -> None:
    offered = in_bash(
        folder_of_btstore,
        "COMP_WORDS=(btstore trend SM) COMP_CWORD=2; _btstore_completion btstore",
        'words=("${COMPREPLY[@]}")',
        "COMP_WORDS=(btstore show abcd) COMP_CWORD=2; _btstore_completion btstore",
        'printf \'%s\\n\' "${words[@]}" "${COMPREPLY[@]}"',
    )
    assert offered.splitlines() == ["SMA\\ Crossover", str(RUN)]


def in_bash(folder: Path, *lines: str) -> str:
    """Run lines in a bash that has loaded the completion."""
    script = ['eval "$(btstore --show-completion)"', *lines]
    done = subprocess.run(
        ["bash", "--norc", "-c", "\n".join(script)],
        env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_it_is_installed_for_the_shell_that_asks(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            "bash",
            "--norc",
            "-c",
            f"{Path(sys.executable).parent}/btstore --install-completion; true",
        ],
        env=os.environ | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "bash completion installed" in done.stdout
    assert ".bash_completions" in (tmp_path / ".bashrc").read_text("utf-8")
