"""A name is a secret's by its words, and a trader's words are none."""

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

import nautilus_trader
import pytest

from backtest_store.capture.engines.supported_versions import is_v2_installed
from backtest_store.redaction import REDACTED, Kind, Redactor, kind_of

LIST = Path(__file__).with_name("nautilus_names.txt").read_text("utf-8")
JUDGED = dict(line.split() for line in LIST.splitlines() if not line.startswith("#"))
SECRET = "correct horse"  # noqa: S105 - looks like words: only its name gives it away
RANDOM = "s3cr3t-Zz9"
NAMED = [
    "password", "db_password", "passwd", "PGPASSWORD", "secret", "client_secret", "api_key",
    "apiKey", "api-key", "API_SECRET", "access_key", "aws_access_key_id", "aws_secret_access_key",
    "auth_token", "session_token", "credentials", "private_key", "account_key", "authorization",
    "passphrase", "connection_string", "google_service_account", "mnemonic", "app_key", "pass",
    "db_pass", "seed_phrase", "signature", "X-Amz-Signature", "passkey", "webhook", "webhook_url",
    "webhookUrl", "consumer_key", "ssh_key", "pw", "creds", "auth_key", "binance_key", "bybitKey",
    "KRAKEN_KEY", "dsn", "SENTRY_DSN", "totp", "totp_secret", "api_key_2", "password_prod",
    "SLACK_TOKEN", "clientSecret", "jwt", "bearer_token", "refreshToken", "shared_access_signature",
    "APIKey", "apikey", "cookie", "signing_key", "webhooks", "api_keys", "db-pass",
]  # fmt: skip
AMBIGUOUS = [
    "token", "base_token", "baseToken", "tokens", "key", "keys", "sig", "pin", "pat", "auth", "otp",
    "sas", "session", "sort_key", "primaryKey", "quote_token", "asian_session", "max_tokens", "pins",
]  # fmt: skip
OF_TRADERS = [
    "fast_period", "token_bucket_rate", "key_level", "pin_bar", "signal", "pattern",
    "signal_period", "sigma", "author", "keyword", "monkey", "compass", "bypass_logging",
    "low_pass", "band_pass", "order_id_tag", "catalog_path", "instrument_id", "tokenizer",
    "session_start", "public_key", "key_type", "private_key_path", "token_id", "token_address",
    "passive", "bass", "secretary", "authority", "spinning_top", "signature_type", "keyLevels",
]  # fmt: skip
VALUES = [
    "BTCUSDT", "SOL", "ETHUSDT-PERP.BINANCE", "EUR/USD.SIM-1-MINUTE-BID-EXTERNAL", "1000SHIBUSDT",
    "london", "hammer", "pin_bar", "head and shoulders", "5,9,50", "5, 9, 50, 200", "2024-01-01",
    "2024-01-01T00:00:00Z", "09:30-16:00", "1h30m15s", "sma_20_50", "Rsi14Ema20Sma50", "emaBTC20",
    "ny_open_930", "nautilus_trader.examples.strategies.ema_cross:EMACross", "sharpe_ratio", "A",
    "0x6B175474E89094C44Da98b954EedeAC495271d0F", "1.5", "", "BTC-29DEC23-40000-C.DERIBIT",
    "217426331434639062905690501558262415330672727", "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
]  # fmt: skip


def judged(name: str, value: Any) -> Any:
    """Return what is stored of a value under a name."""
    redacted = Redactor().redact({name: value})
    assert isinstance(redacted, dict)
    assert list(redacted) == [name]
    return redacted[name]


@pytest.mark.parametrize("name", NAMED)
def test_a_secret_s_name_hides_every_text(name: str) -> None:
    for value in (SECRET, RANDOM, "12345678", "BTCUSDT"):
        assert judged(name, value) == REDACTED


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_trader_s_word_hides_only_what_looks_like_a_secret(name: str) -> None:
    assert kind_of(name) is Kind.AMBIGUOUS
    assert judged(name, RANDOM) == REDACTED
    assert judged(name, "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d") == REDACTED
    for value in VALUES:
        assert judged(name, value) == value


@pytest.mark.parametrize("name", OF_TRADERS)
def test_other_names_hide_nothing(name: str) -> None:
    for value in (*VALUES, SECRET, RANDOM):
        assert judged(name, value) == value


@pytest.mark.parametrize("name", [*NAMED, *AMBIGUOUS, *OF_TRADERS])
def test_only_texts_that_say_something_are_hidden(name: str) -> None:
    for value in (5, 0.25, None, True, False, "", [], {}, [1, 2.5], {"rate": 5}):
        assert judged(name, value) == value


def test_an_importable_path_is_never_hidden() -> None:
    path = "nautilus_trader.examples.strategies.ema_cross:EMACross"
    for name in NAMED:
        assert judged(name, path) == path


def test_every_field_of_nautilus_trader_is_judged() -> None:
    found = set(config_fields()) | set(rust_config_fields())
    assert len(found) > 400
    assert found - JUDGED.keys() == set()


@pytest.mark.parametrize("name", JUDGED)
def test_a_field_of_nautilus_trader_is_judged_as_by_a_person(name: str) -> None:
    assert kind_of(name).name.lower() == JUDGED[name]


def config_fields() -> list[str]:
    """Return the fields of every configuration class in the installed sources.

    Also of the adapters that cannot be imported without a venue's own package.
    """
    sources = Path(nautilus_trader.__path__[0]).rglob("*.py")
    trees = [ast.parse(source.read_text("utf-8")) for source in sources]
    classes = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    return [
        line.target.id
        for found in classes
        if any(ast.unparse(base).endswith("Config") for base in found.bases)
        for line in found.body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    ]


def rust_config_fields() -> list[str]:
    """Return the attributes of every configuration class that Rust brings."""
    home = "nautilus_trader." + ("_libnautilus" if is_v2_installed() else "core.nautilus_pyo3")
    compiled = import_module(home)
    inside = [v for v in vars(compiled).values() if isinstance(v, type(ast))]
    classes = [
        value
        for module in (compiled, *inside)
        for name, value in vars(module).items()
        if isinstance(value, type) and name.endswith("Config")
    ]
    return [
        name
        for found in classes
        for name in dir(found)
        if not name.startswith("_") and not callable(getattr(found, name))
    ]


def test_what_a_prediction_market_names_tokens_is_kept() -> None:
    info = {
        "tokens": [
            {"token_id": "217426331434639062905690501558262415330", "outcome": "Yes"},
            {"token_id": "483313367885053163153654385325115521043", "outcome": "No"},
        ],
        "condition_id": "0x5f65177b394277fd294cd75650044e32ba009a95022d88a0c1d565897d72f8f1",
        "base_token": "SOL",
        "token_bucket_rate": 10,
    }
    assert Redactor().redact({"info": info}) == {"info": info}
