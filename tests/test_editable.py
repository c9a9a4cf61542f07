"""An editable install makes nothing importable but the package."""

import os
import shutil
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILD = "import sys, hatchling.build; hatchling.build.build_editable(sys.argv[1])"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the project in editable mode into an environment that has nothing else."""
    where = tmp_path_factory.mktemp("editable")
    subprocess.run([sys.executable, "-c", BUILD, str(where)], cwd=ROOT, check=True)
    (wheel,) = where.glob("*.whl")
    venv.create(where / "venv", with_pip=False)
    executable = where / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    install = ["--python", str(executable), "install", "--no-deps", "--no-compile", str(wheel)]
    subprocess.run([*pip, *install], check=True)
    (packages,) = (where / "venv").glob("lib/python*/site-packages")
    needed = Path(str(getattr(find_spec("editables"), "origin", ""))).parent
    shutil.copytree(needed, packages / "editables")
    return executable


def said(python: Path, code: str, cwd: Path) -> str:
    ran = subprocess.run(
        [python, "-c", code],
        cwd=cwd,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout.strip() or ran.stderr.strip().splitlines()[-1]


def test_the_package_is_the_one_that_is_edited(python: Path, tmp_path: Path) -> None:
    where = "import backtest_store.models as m; print(m.__file__)"
    assert said(python, where, tmp_path) == str(ROOT / "backtest_store" / "models.py")


def test_sql_is_found_beside_it(python: Path, tmp_path: Path) -> None:
    where = "from backtest_store.store.sql import folder; print(folder('sql'))"
    assert said(python, where, tmp_path) == str(ROOT / "sql")


@pytest.mark.parametrize("name", ["tests", "sql", "migrations", "share", "docs", "hatch_build"])
def test_nothing_else_of_the_project_can_be_imported(
    name: str, python: Path, tmp_path: Path
) -> None:
    assert f"No module named '{name}'" in said(python, f"import {name}", tmp_path)


def test_the_users_own_tests_are_found_wherever_they_are_on_the_path(
    python: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine" / "tests").mkdir(parents=True)
    (tmp_path / "mine" / "tests" / "__init__.py").write_text("")
    append = f"import sys; sys.path.append({str(tmp_path / 'mine')!r})"
    code = f"{append}; import tests; print(tests.__file__)"
    assert said(python, code, tmp_path) == str(tmp_path / "mine" / "tests" / "__init__.py")
