"""Where a run came from: versions, sources as imported, the repository at that moment."""

import getpass
import hashlib
import importlib
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest

from backtest_store.capture.identity.code.code_hash import code_of
from backtest_store.capture.identity.git import GitQuery, repository_folder
from backtest_store.capture.run_details import RunDetails
from backtest_store.models import Record
from tests import forked
from tests.capture.backtests import Scripted, backtest
from tests.capture.recorded import recorded

CLOSES = [100, 110, 120, 115]


def test_provenance_says_what_ran() -> None:
    import nautilus_trader

    origin = recorded(backtest(CLOSES)).provenance
    assert origin["engine_version"] == nautilus_trader.__version__
    assert (origin["user"], origin["host"]) == (getpass.getuser(), socket.gethostname())
    assert origin["python_version"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}")
    source = Path(sys.modules[Scripted.__module__].__file__ or "")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert origin["source_sha256"][str(source)] == digest
    assert origin["command_line"]
    versions = origin["package_versions"]
    assert (versions["numpy"], versions["pandas"]) == (np.__version__, pd.__version__)
    assert "msgspec" in versions  # which the strategy's module imports
    assert not {"collections", "typing"} & set(versions)


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    def run(*args: str) -> str:
        names = ["-c", "user.name=a", "-c", "user.email=a@b"]
        ran = subprocess.run(
            ["git", "-C", str(tmp_path), *names, *args], capture_output=True, text=True, check=True
        )
        return ran.stdout.strip()

    return run


def test_state_of_a_repository_is_of_the_moment(tmp_path: Path, git: Callable[..., str]) -> None:
    file = tmp_path / "a.py"
    file.write_text("1")
    assert GitQuery([tmp_path / "nowhere" / "a.py"]).answer != {}
    git("init", "-q")
    assert GitQuery([file]).answer is None
    git("add", "a.py")
    git("commit", "-qm", "a")
    clean = {"commit": git("rev-parse", "HEAD"), "dirty": False}
    assert GitQuery([file]).answer == clean
    file.write_text("2")
    assert GitQuery([file]).answer == clean | {"dirty": True}
    git("commit", "-qam", "b")
    assert GitQuery([file]).answer == {"commit": git("rev-parse", "HEAD"), "dirty": False}


def test_git_has_its_time_from_when_it_is_waited_for(
    tmp_path: Path, git: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text("1")
    git("init", "-q")
    git("add", "a.py")
    git("commit", "-qm", "a")
    asked = GitQuery([tmp_path / "a.py"])
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 3600)  # all the data was read meanwhile
    assert asked.answer == {"commit": git("rev-parse", "HEAD"), "dirty": False}


def test_a_strategy_that_git_does_not_know_is_dirty(
    tmp_path: Path, git: Callable[..., str]
) -> None:
    known, unknown = tmp_path / "a.py", tmp_path / "b.py"
    known.write_text("1")
    git("init", "-q")
    git("add", "a.py")
    git("commit", "-qm", "a")
    unknown.write_text("1")
    state = GitQuery([known]).answer
    assert state is not None
    assert state["dirty"] is False
    state = GitQuery([known, unknown]).answer
    assert state is not None
    assert state["dirty"] is True


def test_a_file_of_another_folder_is_not_held_against_the_repository(
    tmp_path: Path, git: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    known, elsewhere = tmp_path / "a.py", tmp_path_factory.mktemp("x") / "c.py"
    for file in (known, elsewhere):
        file.write_text("1")
    git("init", "-q")
    git("add", "a.py")
    git("commit", "-qm", "a")
    state = GitQuery([known, elsewhere]).answer
    assert state is not None
    assert state["dirty"] is False
    unknown = tmp_path / "b.py"
    unknown.write_text("1")
    state = GitQuery([known, elsewhere, unknown]).answer
    assert state is not None
    assert state["dirty"] is True


def test_git_is_asked_once_for_the_runs_of_a_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_one, of_another = (RunDetails(batch_id=uuid4()) for _ in "12")
    first = recorded(backtest(CLOSES), of_one).provenance["git"]
    assert first is not None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert recorded(backtest(CLOSES), of_one).provenance["git"] == first
    assert recorded(backtest(CLOSES), of_another).provenance["git"] is None
    assert recorded(backtest(CLOSES)).provenance["git"] is None


def test_without_git_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert GitQuery([tmp_path / "a.py"]).answer is None


def test_package_of_others_is_not_the_users_repository(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "x"
    own = tmp_path / "own"
    for folder in (package, own):
        folder.mkdir(parents=True)
    assert repository_folder([package / "a.py", own / "b.py"]) == own
    assert repository_folder([package / "a.py"]) == Path.cwd()


# The code that ran ------------------------------------------------------------------------------

STRATEGY = """
from tests.capture.backtests import Scripted
{imports}

class Mine(Scripted):
    def on_bar(self, bar):
        {body}
        super().on_bar(bar)
"""


class Project:
    """A folder of modules of the user's, each import of which is a new one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, **modules: str) -> None:
        """Write modules, in packages where the name says so."""
        for name, text in modules.items():
            path = self.folder / (name.replace("_of_", "/") + ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(text))

    def strategy(self, imports: str = "", body: str = "pass") -> None:
        """Write a strategy that does something at each bar."""
        self.write(mine=STRATEGY.format(imports=imports, body=body))

    def run(self) -> Record:
        """Import the strategy anew, and record a run of it."""
        return recorded(self.made(self.imported()))

    def imported(self) -> Any:
        """Import the strategy anew."""
        self.forget()
        importlib.invalidate_caches()
        return importlib.import_module("mine")

    def made(self, mine: Any) -> Any:
        """Return an engine with the strategy."""
        made = backtest(CLOSES, {0: 10})
        (scripted,) = made.trader.strategies()
        made.clear_strategies()
        made.add_strategy(mine.Mine(scripted.config))
        return made

    def forget(self) -> None:
        """Forget what was imported from the folder."""
        for name, module in list(sys.modules.items()):
            if str(self.folder) in str(getattr(module, "__file__", "")):
                del sys.modules[name]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Project(tmp_path)
    yield made
    made.forget()


def test_code_is_the_same_in_every_import(project: Project) -> None:
    project.strategy()
    assert project.run().code_hash == project.run().code_hash is not None


@pytest.mark.parametrize(
    ("imports", "body"),
    [
        ("import helper", "helper.level()"),
        ("from helper import level", "level()"),
        ("", "import helper; helper.level()"),
        ("", "from helper import level; level()"),
        ("import between", "between.level()"),
        ("import pack.deep", "pack.deep.level()"),
        ("from pack import deep", "deep.level()"),
        ("import importlib; helper = importlib.import_module('helper')", "helper.level()"),
    ],
)
def test_a_changed_module_is_other_code(project: Project, imports: str, body: str) -> None:
    project.write(
        helper="def level(): return 1",
        between="from helper import level",
        pack_of___init__="",
        pack_of_deep="from helper import level",
        stranger="x = 1",
    )
    project.strategy(imports, body)
    first = project.run()
    assert str(project.folder / "helper.py") in first.provenance["source_sha256"]
    project.write(stranger="x = 2")
    assert project.run().code_hash == first.code_hash
    project.write(helper="def level(): return 2")
    mine = project.imported()
    known = code_of([mine.Mine]).code_hash
    again = recorded(project.made(mine))
    assert again.code_hash == known  # which is known before it runs
    assert again.config_hash == first.config_hash
    assert again.code_hash not in (None, first.code_hash)


def test_modules_of_base_classes_are_code(project: Project) -> None:
    project.write(base="from tests.capture.backtests import Scripted\nclass Base(Scripted): ...")
    project.write(mine="import base\nclass Mine(base.Base): ...")
    first = project.run()
    sources = first.provenance["source_sha256"]
    assert {str(project.folder / f"{name}.py") for name in ("base", "mine")} <= set(sources)
    project.write(
        base="from tests.capture.backtests import Scripted\nclass Base(Scripted):\n    x = 1"
    )
    assert project.run().code_hash != first.code_hash


def test_what_the_process_imported_besides_is_not_the_runs_code(project: Project) -> None:
    project.strategy()
    first = project.run()
    project.write(stranger="x = 1")
    importlib.import_module("stranger")
    assert project.run().code_hash == first.code_hash


def test_what_others_imported_of_a_package_is_not_the_runs_code(project: Project) -> None:
    project.write(
        pack_of___init__="", pack_of_deep="def level(): return 1", pack_of_stranger="x = 1"
    )
    project.strategy("from pack import deep", "deep.level()")
    first = project.run()
    mine = project.imported()
    importlib.import_module("pack.stranger")
    assert recorded(project.made(mine)).code_hash == first.code_hash


def test_an_edit_after_the_import_is_not_what_ran(project: Project) -> None:
    project.write(helper="def level(): return 1")
    project.strategy("import helper", "helper.level()")
    first = project.run()
    mine = sys.modules["mine"]
    project.write(helper="def level(): return 2  # edited")
    assert recorded(project.made(mine)).code_hash == first.code_hash


def test_an_edit_before_the_first_look_leaves_no_hash(project: Project) -> None:
    project.write(helper="def level(): return 1")
    project.strategy("import helper", "helper.level()")
    mine = importlib.import_module("mine")
    project.write(helper="def level(): return 2  # edited")
    record = recorded(project.made(mine))
    assert record.code_hash is None
    assert record.provenance["identity_unknown"] == [
        "a module's file has changed since it was imported, or is gone"
    ]


def test_a_reload_is_what_runs(project: Project) -> None:
    project.write(helper="def level(): return 1")
    project.strategy("import helper", "helper.level()")
    first = project.run()
    mine = sys.modules["mine"]
    helper = project.folder / "helper.py"
    helper.write_text("def level(): return 2  # edited")
    importlib.reload(sys.modules["helper"])
    assert recorded(project.made(mine)).code_hash not in (None, first.code_hash)


def test_a_module_imported_as_the_run_goes_is_code(project: Project) -> None:
    project.write(late="x = 1")
    body = "import importlib; importlib.import_module('la' + 'te')"
    project.strategy("", body)
    first = project.run()
    project.write(late="x = 2")
    assert project.run().code_hash != first.code_hash


def test_a_class_from_nowhere_has_no_known_code() -> None:
    made = type("Cell", (), {"__module__": "__no_such_module__"})
    assert code_of([made]).code_hash is None


CELLS = """
import sys
sys.path.insert(0, {root!r})
from tests.capture.backtests import *
from tests.capture.recorded import recorded

LEVEL = {level}

def level():
    return {inner} + LEVEL

class Cell(Scripted):
    def on_bar(self, bar):
        self.seen = level()
        super().on_bar(bar)

made = backtest([100, 110], {{0: 1}})
(old,) = made.trader.strategies()
made.clear_strategies()
made.add_strategy(Cell(old.config))
other = {other}
print(recorded(made).code_hash)
"""


def test_code_that_no_file_holds_counts_with_all_that_it_uses() -> None:
    def of(**values: int) -> str:
        filled = {"level": 1, "inner": 1, "other": 1} | values
        code = CELLS.format(root=str(Path(__file__).parents[2]), **filled)
        command = [sys.executable, "-c", code]
        if "other" not in values:
            return forked.run(command, check=True).stdout.strip()
        return subprocess.check_output(command, text=True).strip()  # texts have other hashes there

    usual = of()
    assert usual != "None"
    assert of(other=2) == usual
    assert len({usual, of(level=2), of(inner=2)}) == 3


def test_what_was_left_as_it_is_by_default_is_known() -> None:
    left = recorded(backtest(CLOSES)).provenance["defaults"]
    assert left
    assert {*left} <= {*recorded(backtest(CLOSES)).parameters}
