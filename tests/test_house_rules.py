"""The house stays one that a stranger finds his way in: few rooms, few things in each."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "backtest_store"
MOST_AT_THE_TOP = 8
MOST_IN_A_FOLDER = 13
# One module a command, however many.
MORE = {PACKAGE / "cli" / "commands": 30}
PORTABLE = re.compile(r"(?!\.\.?(/|$))[A-Za-z0-9_.][A-Za-z0-9_.-]*")
# What is known of one version of the engine, in each folder that knows it, stands under one name.
ENGINE_VERSIONS = {"nautilus1", "nautilus2"}
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def folders() -> list[Path]:
    return [
        PACKAGE,
        *(path.parent for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE),
    ]


def modules(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def is_portable(name: str) -> bool:
    """Say whether every part of a path is a name on every system."""
    return all(
        PORTABLE.fullmatch(part) and not RESERVED.fullmatch(part) and not part.endswith(".")
        for part in name.split("/")
    )


def test_the_top_level_is_seen_at_a_glance() -> None:
    assert len(modules(PACKAGE)) <= MOST_AT_THE_TOP


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_no_folder_is_over_a_dozen_modules_or_so(folder: Path) -> None:
    assert len(modules(folder)) <= MORE.get(folder, MOST_IN_A_FOLDER)


def test_no_two_folders_have_one_name() -> None:
    counts = Counter(folder.name for folder in folders())
    assert [
        name for name, count in counts.items() if count > 1 and name not in ENGINE_VERSIONS
    ] == []


@pytest.mark.parametrize(
    ("name", "portable"),
    [
        ("backtest_store/cli/app.py", True),
        (".ci/run", True),
        ("tests/conftest.py", True),
        ("\033[31mab\\ac", False),
        ("a b.py", False),
        ("aux.py", False),
        ("docs/é.md", False),
        ("a:b", False),
        ("-x", False),
        ("dot.", False),
    ],
)
def test_a_portable_name_is_known(name: str, *, portable: bool) -> None:
    assert is_portable(name) == portable


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="asks git")
def test_every_tracked_name_is_portable() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    names = listed.stdout.decode("utf-8", "backslashreplace").rstrip("\0").split("\0")
    assert [name for name in names if not is_portable(name)] == []
    lowered = Counter(name.lower() for name in names)
    assert [name for name, count in lowered.items() if count > 1] == []
