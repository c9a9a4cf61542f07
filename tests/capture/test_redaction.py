"""Secrets planted everywhere, and looked for everywhere."""

import json
import logging
import os
import sys
from pathlib import Path

import msgspec
import pytest
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.node import BacktestNode
from nautilus_trader.config import CacheConfig, DatabaseConfig, MessageBusConfig

from backtest_store import record
from backtest_store.capture.end_status import Outcome
from backtest_store.capture.run_details import RunDetails
from backtest_store.capture.run_record import failed_to_build
from backtest_store.redaction import REDACTED
from tests.capture.backtests import backtest
from tests.capture.stores import stored
from tests.capture.test_node import fill, run_config

SECRET = "s3cr3t-Zz9"  # noqa: S105 - to be looked for


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
        strategy_name=f"sma password={planted['config']}",
        strategy_type=f"of {planted['config']}",
        tags=[f"{planted['env']}", f"api_key={planted['config']}"],
        note=f"with {planted['env']}",
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


def test_a_trader_s_words_are_stored_as_they_are(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_PASSWORD", "nautilus")
    parameters = {
        "token": "BTCUSDT",
        "base_token": "BONK",
        "sig": "5,9,50",
        "pin": "pin_bar",
        "pat": "hammer",
        "key": "level",
        "token_bucket_rate": 10,
        "strategy": "nautilus_trader.examples.strategies.ema_cross:EMACross",
    }
    with record(made := backtest([100, 110]), parameters=parameters, tags=["key level"]):
        made.run()
    (run,) = stored(store)
    assert run["parameters"] == parameters
    assert run["tags"] == ["key level"]
    assert REDACTED not in json.dumps(run)


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
        msgspec.structs.replace(config, engine=engine), RunDetails(note=told), failure
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
