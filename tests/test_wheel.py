"""The built wheel has everything that a command needs."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it alone; what it depends on is found where the tests have it."""
    where = tmp_path_factory.mktemp("wheel")
    build = "import sys, hatchling.build; hatchling.build.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(where)], cwd=ROOT, check=True)
    (wheel,) = where.glob("*.whl")
    environment = where / "venv"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    install = ["--python", str(python), "install", "--no-deps", "--no-compile", str(wheel)]
    subprocess.run([*PIP, *install], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    # A path that a .pth file adds has its own .pth files ignored, the editable install's too.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment


def run(environment: Path, *command: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [environment / "bin" / command[0], *command[1:]],
        cwd=cwd,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_wheel_is_what_runs(installed: Path, tmp_path: Path) -> None:
    where = "import backtest_store; print(backtest_store.__file__)"
    shown = run(installed, "python", "-c", where, cwd=tmp_path)
    assert Path(shown.stdout.strip()).is_relative_to(installed)


def test_it_migrates_and_lists(installed: Path, unmigrated_url: str, tmp_path: Path) -> None:
    assert unmigrated_url
    migrated = run(installed, "btstore", "db", "migrate", cwd=tmp_path)
    assert migrated.returncode == 0, migrated.stderr
    roles = run(installed, "btstore", "db", "roles", cwd=tmp_path)
    assert roles.returncode == 0, roles.stderr
    listed = run(installed, "btstore", "history", "--format", "json", cwd=tmp_path)
    assert (listed.returncode, listed.stdout.strip()) == (0, "[]"), listed.stderr


def test_the_command_is_no_part_of_the_code_that_ran(
    installed: Path, store_url: str, tmp_path: Path
) -> None:
    assert store_url
    config = tmp_path / "short.toml"
    config.write_text(
        'strategy = "momentum"\n[parameters]\nequity_fraction = 0.9\n[data]\nsource = "sp500_daily"\n'
        'start = "2004-01-01"\nend = "2004-12-31"\n'
    )
    ran = run(installed, "btstore", "run", str(config), cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    shown = run(installed, "btstore", "show", "@latest", "--format", "json", cwd=tmp_path)
    names = {Path(file).name for file in json.loads(shown.stdout)["provenance"]["source_sha256"]}
    assert "momentum.py" in names
    assert "btstore" not in names  # which begins with where it is installed


def test_it_has_the_market_data(installed: Path, tmp_path: Path) -> None:
    names = (
        "from importlib.resources import files;"
        "print(*sorted(p.name for p in (files('backtest_store')/'runner'/'bundled_data').iterdir()))"
    )
    shown = run(installed, "python", "-c", names, cwd=tmp_path)
    assert "sp500_daily.csv" in shown.stdout, shown.stderr
    assert "LICENSE" in shown.stdout
