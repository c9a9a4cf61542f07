"""The environment is read once, and what is wrong in it is named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backtest_store.errors import UsageError
from backtest_store.store.settings import LOG_FORMATS, LOG_LEVELS, Settings


def test_the_defaults_are_an_embedded_store_that_logs_little(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    settings = Settings.from_environment()
    assert settings.database_url is None
    assert settings.pg_bindir is None
    assert (settings.log_level, settings.log_format) == ("warning", "console")
    assert settings.home.name == "backtest-store"
    assert tmp_path in settings.home.parents


def test_an_empty_variable_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    unset = Settings.from_environment()
    for name in ("DATABASE_URL", "HOME", "PG_BINDIR", "LOG_LEVEL", "LOG_FORMAT"):
        monkeypatch.setenv(f"BTSTORE_{name}", "")
    assert Settings.from_environment() == unset


def test_every_variable_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", "postgresql://host/db")
    monkeypatch.setenv("BTSTORE_HOME", str(tmp_path))
    monkeypatch.setenv("BTSTORE_PG_BINDIR", "/opt/pg/bin")
    monkeypatch.setenv("BTSTORE_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("BTSTORE_LOG_FORMAT", "json")
    assert Settings.from_environment() == Settings(
        database_url="postgresql://host/db",
        home=tmp_path,
        pg_bindir=Path("/opt/pg/bin"),
        log_level="debug",
        log_format="json",
    )


def test_a_tilde_and_a_relative_path_become_absolute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", "/home/trader")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BTSTORE_HOME", "~/store")
    monkeypatch.setenv("BTSTORE_PG_BINDIR", "bin")
    settings = Settings.from_environment()
    assert settings.home == Path("/home/trader/store")
    assert settings.pg_bindir == tmp_path / "bin"


@pytest.mark.parametrize(
    ("variable", "value", "remedy"),
    [
        ("BTSTORE_LOG_LEVEL", "loud", ", ".join(LOG_LEVELS)),
        ("BTSTORE_LOG_FORMAT", "xml", ", ".join(LOG_FORMATS)),
        ("BTSTORE_HOME", "~no-such-user-here/store", "absolute path"),
    ],
)
def test_a_bad_value_is_named_with_its_variable_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, remedy: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError) as raised:
        Settings.from_environment()
    assert variable in str(raised.value)
    assert value in str(raised.value)
    assert remedy in raised.value.hint


def test_no_output_shows_a_database_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", "mysql://trader:geheim@host/db")
    with pytest.raises(UsageError) as raised:
        Settings.from_environment()
    assert "geheim" not in f"{raised.value}{raised.value.hint}"
    assert "BTSTORE_DATABASE_URL" in str(raised.value)
    assert "geheim" not in repr(Settings(database_url="postgresql://t:geheim@h/d", home=Path("/")))


def test_platformdirs_is_imported_only_for_the_default_home(tmp_path: Path) -> None:
    code = "import sys; from backtest_store.store.settings import Settings; "
    code += "Settings.from_environment(); print('platformdirs' in sys.modules)"
    given, default = (
        subprocess.check_output([sys.executable, "-c", code], env=env, text=True)
        for env in _environments(tmp_path)
    )
    assert (given, default) == ("False\n", "True\n")


def _environments(home: Path) -> list[dict[str, str]]:
    default = {"HOME": str(home), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    return [default | {"BTSTORE_HOME": str(home)}, default]


NAMES = {
    "postgresql://me:hunter2@Host:6432/runs": "me@Host:6432/runs",
    "postgres://me@host/runs?sslmode=require": "me@host:5432/runs",
    "postgresql://me@/runs?host=/tmp/socket": "me@/tmp/socket:5432/runs",
    "postgresql://me@a,b:6432/runs": "me@a:5432,b:6432/runs",
    "postgresql://?host=a&user=me&dbname=runs&password=hunter2": "me@a:5432/runs",
    "postgresql://me@[::1": None,
}


@pytest.mark.parametrize("url", NAMES)
def test_a_store_has_a_name_without_credentials(url: str, tmp_path: Path) -> None:
    assert Settings(database_url=url, home=tmp_path).store_name == NAMES[url]


def test_a_store_s_name_is_that_of_libpq_s_variables_and_the_embedded_one_s_is_always_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in {"PGHOST": "h", "PGPORT": "1", "PGUSER": "u", "PGDATABASE": "d"}.items():
        monkeypatch.setenv(variable, value)
    assert Settings(database_url="postgresql://", home=tmp_path).store_name == "u@h:1/d"
    assert Settings(home=tmp_path).store_name == "embedded"
