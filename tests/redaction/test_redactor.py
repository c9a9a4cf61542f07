"""Secrets are replaced at any depth, and those met once wherever they stand as a word."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_store.redaction import REDACTED, Redactor, environment_secrets
from tests.redaction.test_secret_names import NAMED, OF_TRADERS

SECRET = "s3cr3t-Zz9"  # noqa: S105 - to be looked for


def test_values_are_replaced_at_any_depth() -> None:
    value = {
        "a": [{"Password": SECRET, "n": 1}],
        "fs": {"key": SECRET, "anon": False, "secret": None},
        "credentials": {"user": "u", "file": [SECRET, 5]},
        "token_required": True,
    }
    assert Redactor().redact(value) == {
        "a": [{"Password": REDACTED, "n": 1}],
        "fs": {"key": REDACTED, "anon": False, "secret": None},
        "credentials": {"user": REDACTED, "file": [REDACTED, 5]},
        "token_required": True,
    }


names = st.sampled_from([*NAMED, *OF_TRADERS])


@given(
    st.recursive(
        st.dictionaries(names, st.just(SECRET), max_size=3),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)
        ),
    )
)
def test_no_secret_under_a_secret_name_survives(value: Any) -> None:
    redactor = Redactor()
    assert _is_clean(value, redactor.redact(value), is_secret=False)


def _is_clean(value: Any, redacted: Any, *, is_secret: bool) -> bool:
    if isinstance(value, str):
        return not is_secret or redacted == REDACTED
    if isinstance(value, list):
        pairs = zip(value, redacted, strict=True)
        return all(_is_clean(a, b, is_secret=is_secret) for a, b in pairs)
    return list(value) == list(redacted) and all(
        _is_clean(item, redacted[name], is_secret=is_secret or name in NAMED)
        for name, item in value.items()
    )


def test_a_secret_met_under_its_name_is_found_elsewhere() -> None:
    redactor = Redactor()
    redactor.redact({"password": SECRET})
    assert redactor.redact({"url": f"x/{SECRET}?y"}) == {"url": f"x/{REDACTED}?y"}
    assert redactor.text(f"cannot log in with {SECRET}!") == f"cannot log in with {REDACTED}!"


def test_a_secret_is_found_only_as_a_whole_word() -> None:
    redactor = Redactor()
    redactor.redact({"password": "nautilus", "api_secret": "BINANCE", "passphrase": "sharpe"})
    untouched = {
        "path": "nautilus_trader.examples.strategies.ema_cross:EMACross",
        "module": "my.nautilus.strategies:Cross",
        "instrument_id": "BTCUSDT.BINANCE",
        "sort": "sharpe_ratio",
        "start": "2024-01-01",
        "n": 5,
    }
    assert redactor.redact(untouched) == untouched
    assert redactor.text("no user nautilus; sharpe") == f"no user {REDACTED}; {REDACTED}"


@pytest.mark.parametrize("value", ["nautilus", "postgres", "backtests", "12345678", "", "2024-01-01",
                                   "BTCUSDT", "/bin/sh", "changeme", "my password"])  # fmt: skip
def test_a_word_of_the_environment_is_not_looked_for(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    for name in ("POSTGRES_PASSWORD", "DB_PASS", "TOKEN"):
        monkeypatch.setenv(name, value)
    assert value not in environment_secrets()
    path = "nautilus_trader.examples.strategies.ema_cross:EMACross"
    assert Redactor(environment_secrets()).redact({"path": path}) == {"path": path}


@pytest.mark.parametrize("name", ["POSTGRES_PASSWORD", "MY_TOKEN", "BYBIT_KEY", "AUTH", "DB_PASS"])
def test_a_secret_of_the_environment_is_looked_for(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, SECRET)
    assert environment_secrets() == [SECRET]


def test_the_working_directory_is_no_secret() -> None:
    code = "from backtest_store.redaction import environment_secrets as e; print(list(e()))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PWD": "/some/fo1d3r-X9z", "OLDPWD": "/another/0n3-Z8y", "MY_TOKEN": SECRET},
        cwd=Path(__file__).parents[2],
    )
    assert ran.stdout == f"['{SECRET}']\n"


def test_the_file_of_credentials_is_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s3cr3t-Zz9.json"
    path.touch()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", os.fspath(path))
    assert environment_secrets() == []
