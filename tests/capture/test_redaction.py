"""Secrets planted everywhere, and looked for everywhere."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.node import BacktestNode
from nautilus_trader.config import CacheConfig, DatabaseConfig, MessageBusConfig

from backtest_store import record
from backtest_store.capture.details import Details, Outcome
from backtest_store.capture.run import failed_to_build
from backtest_store.redaction import REDACTED, Redactor, is_secret
from tests.capture.backtests import backtest
from tests.capture.stores import stored
from tests.capture.test_node import fill, run_config

SECRET = "s3cr3t-Zz9"  # noqa: S105 - to be looked for
SECRETS = [
    "password", "db_password", "passwd", "PGPASSWORD", "secret", "client_secret", "api_key",
    "apiKey", "api-key", "API_SECRET", "access_key", "aws_access_key_id", "aws_secret_access_key",
    "token", "auth_token", "session_token", "credentials", "private_key", "account_key",
    "authorization", "passphrase", "connection_string", "key", "sas", "google_service_account",
]  # fmt: skip
HARMLESS = [
    "fast_period", "trader_id", "order_id_tag", "max_tokens", "author", "keyword", "monkey",
    "catalog_path", "instrument_id", "keys", "tokenizer", "compass", "bypass_logging",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_name_of_a_secret(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_name_that_only_looks_like_one(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"postgresql://me:{SECRET}@host/db", f"postgresql://me:{REDACTED}@host/db"),
        (f"redis://:{SECRET}@host", f"redis://:{REDACTED}@host"),
        (f"run --password={SECRET} --fast 5", f"run --password={REDACTED} --fast 5"),
        (f"run --api-key {SECRET} --fast 5", f"run --api-key {REDACTED} --fast 5"),
        (f"PGPASSWORD={SECRET} run", f"PGPASSWORD={REDACTED} run"),
        (f"Config(api_key='{SECRET}', size=1)", f"Config(api_key='{REDACTED}', size=1)"),
        (f"{{'secret': '{SECRET}'}}", f"{{'secret': '{REDACTED}'}}"),
        (f'{{"token": "{SECRET}", "a": 1}}', f'{{"token": "{REDACTED}", "a": 1}}'),
        (f"Authorization: Bearer {SECRET}", f"Authorization: {REDACTED}"),
        (f"https://h/p?sig={SECRET}&x=1", f"https://h/p?sig={REDACTED}&x=1"),
        (f"https://h/p?access_token={SECRET}&x=1", f"https://h/p?access_token={REDACTED}&x=1"),
        ("key AKIAIOSFODNN7EXAMPLE in use", f"key {REDACTED} in use"),
        ("password authentication failed", "password authentication failed"),
        ("password=None", "password=None"),
        ("unexpected token at line 3", "unexpected token at line 3"),
        ("http://host:8080/path", "http://host:8080/path"),
        ("AUD/USD.SIM-1-MINUTE-BID-EXTERNAL", "AUD/USD.SIM-1-MINUTE-BID-EXTERNAL"),
    ],
)
def test_text_loses_its_secret_and_nothing_else(text: str, expected: str) -> None:
    assert Redactor().text(text) == expected


def test_values_are_replaced_at_any_depth() -> None:
    value = {
        "a": [{"Password": SECRET, "n": 1}],
        "fs": {"key": SECRET, "anon": False, "secret": None},
        "credentials": {"user": "u", "file": [SECRET]},
        "token_required": True,
    }
    assert Redactor().redact(value) == {
        "a": [{"Password": REDACTED, "n": 1}],
        "fs": {"key": REDACTED, "anon": False, "secret": None},
        "credentials": REDACTED,
        "token_required": True,
    }


def test_secret_met_under_its_name_is_found_elsewhere() -> None:
    redactor = Redactor()
    redactor.redact({"password": SECRET})
    assert redactor.redact({"url": f"x{SECRET}y"}) == {"url": f"x{REDACTED}y"}
    assert redactor.text(f"cannot log in with {SECRET}!") == f"cannot log in with {REDACTED}!"


names = st.sampled_from([*SECRETS, *HARMLESS])


@given(
    st.recursive(
        st.dictionaries(names, st.just(SECRET), max_size=3),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)
        ),
    )
)
def test_no_secret_under_a_secret_name_survives(value: Any) -> None:
    redacted = Redactor().redact(value)
    assert _is_clean(value, redacted)


def _is_clean(value: Any, redacted: Any) -> bool:
    if isinstance(value, list):
        return all(_is_clean(a, b) for a, b in zip(value, redacted, strict=True))
    if not isinstance(value, dict):
        return True
    return value.keys() == redacted.keys() and all(
        redacted[name] == REDACTED if name in SECRETS else _is_clean(item, redacted[name])
        for name, item in value.items()
    )


class SecretiveError(Exception):
    """Quotes what it should not."""


def _run_and_tell(made: BacktestEngine, message: str) -> None:
    made.run()
    raise SecretiveError(message)


def test_planted_secrets_are_nowhere(
    store: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    planted = {n: f"{SECRET}-{i}" for i, n in enumerate(["s3", "env", "url", "arg", "config"])}
    monkeypatch.setenv("SOME_API_KEY", planted["env"])
    monkeypatch.setattr(sys, "argv", ["bt.py", "--password", planted["arg"]])
    config = run_config(
        fill(tmp_path / "catalog", [100, 110]),
        data={
            "catalog_fs_storage_options": {"key": planted["s3"], "auto_mkdir": True},
            "metadata": {"url": f"https://u:{planted['url']}@h/x"},
        },
    )
    with record(BacktestNode([config]), note="n"):
        BacktestNode([config])
    node = BacktestNode([config])
    with record(node):
        node.run()
    recording = record(
        made := backtest([100, 110]),
        config_snapshot={"data_clients": {"X": {"api_secret": planted["config"]}}},
        parameters={"token": planted["config"], "fast_period": 5},
        data_source=f"s3://me:{planted['url']}@bucket",
        command_line=f"bt --token={planted['config']}",
    )
    with pytest.raises(SecretiveError), recording:
        _run_and_tell(made, f"login {planted['config']} / {planted['env']} failed")
    monkeypatch.setenv("BTSTORE_DATABASE_URL", f"postgresql://me:{planted['url']}@127.0.0.1:none/x")
    again = backtest([100, 110])
    with record(again, parameters={"api_key": planted["config"]}):
        again.run()
    logging.shutdown()
    seen = json.dumps(stored(store))
    seen += "".join(capfd.readouterr())
    files = [file for file in Path(os.environ["BTSTORE_HOME"]).rglob("*") if file.is_file()]
    assert files, "the last run waits in the spool"
    seen += "".join(file.read_text("utf-8", "replace") for file in files)
    assert REDACTED in seen
    assert SECRET not in seen


def test_secrets_of_a_node_whose_engine_was_never_built(tmp_path: Path) -> None:
    config = run_config(tmp_path, {"api_secret": f"{SECRET}-0", "feed": {"token": f"{SECRET}-1"}})
    assert config.engine is not None
    databases = [DatabaseConfig(username="u", password=f"{SECRET}-{n}") for n in (2, 3)]
    engine = msgspec.structs.replace(
        config.engine,
        cache=CacheConfig(database=databases[0]),
        message_bus=MessageBusConfig(database=databases[1]),
    )
    told = " ".join(f"{SECRET}-{n}" for n in range(4))
    failure = Outcome(status="failed", error_message=told, error_traceback=told)
    failed = failed_to_build(
        msgspec.structs.replace(config, engine=engine), Details(note=told), failure
    )
    assert failed.note == failed.error_message == failed.error_traceback == " ".join([REDACTED] * 4)
    assert failed.config_snapshot["engine"]["cache"]["database"]["username"] == "u"
    assert failed.parameters["feed"] == {"token": REDACTED}
    assert SECRET not in repr(failed)


def test_snapshot_without_its_secrets_is_still_readable(store: str, tmp_path: Path) -> None:
    catalog = fill(tmp_path / "catalog", [100, 110])
    config = run_config(catalog, data={"catalog_fs_storage_options": {"auto_mkdir": True}})
    node = BacktestNode([config])
    with record(node):
        node.run()
    snapshot = stored(store)[0]["config_snapshot"]
    again = type(config).parse(msgspec.json.encode(snapshot))
    assert again == type(config).parse(config.json())


def test_working_directory_is_no_secret() -> None:
    code = "from backtest_store.redaction import environment_secrets as e; print(list(e()))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PWD": "/some/folder", "OLDPWD": "/another/one", "MY_TOKEN": SECRET},
        cwd=Path(__file__).parents[2],
    )
    assert ran.stdout == f"['{SECRET}']\n"
