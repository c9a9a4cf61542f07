"""Text loses its secrets, in whatever form they stand there, and nothing else."""

import base64
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest_store.redaction import REDACTED, Redactor
from tests.number_of_tries import tries

SECRET = "s3cr3t-Zz9"  # noqa: S105 - to be looked for
HEX = "0123456789abcdef" * 2
B62 = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0iL"
R = REDACTED
ASSIGNED = [
    (f"postgresql://me:{SECRET}@host/db", f"postgresql://me:{R}@host/db"),
    (f"postgresql://me:a/{SECRET}@host/db", f"postgresql://me:{R}@host/db"),
    (f"postgresql://me:5432/{SECRET}@host/db", f"postgresql://me:{R}@host/db"),
    (f"https://me:a/{SECRET}@host/db", f"https://me:{R}@host/db"),
    (f"redis://:{SECRET}@host", f"redis://:{R}@host"),
    (f"https://{B62}@github.com/x", f"https://{R}@github.com/x"),
    (f"https://{HEX}@o1.ingest.sentry.io/4", f"https://{R}@o1.ingest.sentry.io/4"),
    (f"run --password={SECRET} --fast 5", f"run --password={R} --fast 5"),
    (f"run --api-key {SECRET} --fast 5", f"run --api-key {R} --fast 5"),
    (f"run --pass {SECRET}", f"run --pass {R}"),
    (f"run --pass '{SECRET} x' --fast 5", f"run --pass '{R}' --fast 5"),
    (f"run -v  --pass   {SECRET}", f"run -v  --pass   {R}"),
    (f"curl -u me:{SECRET} https://h", f"curl -u me:{R} https://h"),
    (f"curl -s --user 'me:{SECRET}' https://h", f"curl -s --user 'me:{R}' https://h"),
    (f"PGPASSWORD={SECRET} run", f"PGPASSWORD={R} run"),
    (f"Config(api_key='{SECRET}', size=1)", f"Config(api_key='{R}', size=1)"),
    (f"Config(api_key=SecretStr('{SECRET}'), size=1)", f"Config(api_key=SecretStr('{R}'), size=1)"),
    (f"a=password={SECRET}", f"a=password={R}"),
    (f"{{'secret': '{SECRET}'}}", f"{{'secret': '{R}'}}"),
    (f"{{'secret': b'{SECRET}'}}", f"{{'secret': b'{R}'}}"),
    (f'{{"token": "{SECRET}", "a": 1}}', f'{{"token": "{R}", "a": 1}}'),
    (f'{{\\"password\\": \\"x {SECRET}\\", \\"a\\": 1}}', f'{{\\"password\\": \\"{R}\\", \\"a\\": 1}}'),
    (f"Authorization: Bearer {SECRET}", f"Authorization: {R}"),
    (f"-H 'Authorization: Basic {SECRET}' x", f"-H 'Authorization: {R}' x"),
    (f"sent Bearer {B62} there", f"sent Bearer {R} there"),
    (f"mnemonic: apple banana {SECRET}", f"mnemonic: {R}"),
    (f"seed_phrase='apple banana {SECRET}'", f"seed_phrase='{R}'"),
    (f"https://h/p?sig={SECRET}&x=1", f"https://h/p?sig={R}&x=1"),
    (f"https://h/p?x=1&code={B62}", f"https://h/p?x=1&code={R}"),
    (f"https://h/p?access_token={SECRET}&x=1", f"https://h/p?access_token={R}&x=1"),
    (f"https://h/p?X-Amz-Signature={SECRET}&x=1", f"https://h/p?X-Amz-Signature={R}&x=1"),
    (f"api_keys=['{SECRET}', '{SECRET}']", f"api_keys=[{R}]"),
    (f"os.environ['BYBIT_KEY'] = '{SECRET}'", f"os.environ['BYBIT_KEY'] = '{R}'"),
]  # fmt: skip
TOKENS = [
    "AKIAIOSFODNN7EXAMPLE", f"ghp_{B62}abcd", f"github_pat_{B62}", f"glpat-{B62[:20]}",
    f"npm_{B62}abcd", f"AIza{B62}abc", f"sk_live_{B62[:24]}", f"sk-{B62}", f"sk-ant-api03-{B62}",
    f"sk-proj-{B62}", f"xoxb-1234567890-{B62}", f"xapp-1-{B62}", f"SG.{B62[:22]}.{B62}abcdefghijk",
    f"https://hooks.slack.com/services/T00000000/B00000000/{B62}",
    f"https://discord.com/api/webhooks/123456789/{B62}",
    f"https://api.telegram.org/bot123456789:{B62}abc/send", f"pypi-AgEIcHlwaS5vcmc{B62 * 3}",
    f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{B62}", f"hf_{B62}", f"SK{HEX}", f"{HEX}-us12",
    f"-----BEGIN RSA PRIVATE KEY-----\n{B62}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{B62}\n-----END PGP PRIVATE KEY BLOCK-----",
    f"-----BEGIN OPENSSH PRIVATE KEY-----\n{B62}",
]  # fmt: skip
PLAIN = [
    "password authentication failed", "password=None", "unexpected token at line 3",
    "http://host:8080/path", "http://host:8080/a?mail=me@x.org", "https://h:443/@user/x",
    "AUD/USD.SIM-1-MINUTE-BID-EXTERNAL", "token=BTCUSDT", "base_token='SOL'", "key: level",
    "--sig 5,9,50", "--set pat=hammer", "pin=pin_bar", "tokens: ['YES', 'NO']", "skip-existing",
    "postgresql://btstore@/btstore?host=/tmp/x", "ssh://git@github.com/x", "bearer of bad news",
    "signature_type=2", "token_bucket_rate=10", "session: london", "Basic strategy of mine",
    "sk-learn", "task-0123456789abcdef", "risk-based-position-sizing-2024",
    "C:\\Users\\me", "time: 09:30:00", "if key == 'a'", "https://x.org/?q=1&code=AAPL",
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ASSIGNED)
def test_text_loses_its_secret_and_nothing_else(text: str, expected: str) -> None:
    assert Redactor().text(text) == expected
    assert Redactor().text(f"x {text}\ny") == f"x {expected}\ny"


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert Redactor().text(text) == text


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_is_known_by_its_form(token: str) -> None:
    for text in (token, f"see {token} there", f"'{token}'", json.dumps({"a": token})):
        redacted = Redactor().text(text)
        assert REDACTED in redacted
        assert B62[:20] not in redacted
        assert HEX not in redacted
        assert "EXAMPLE" not in redacted


def test_json_in_json_in_json() -> None:
    value: object = {"password": f'x" {SECRET}'}
    for _ in range(3):
        value = {"inner": json.dumps(value)}
        assert SECRET not in json.dumps(Redactor().redact(value))


@given(st.text(min_size=1, max_size=20), st.sampled_from(["api_key", "dbPass", "--pass", "creds"]))
def test_whatever_a_quoted_secret_holds_is_hidden(secret: str, name: str) -> None:
    planted = f"{SECRET}{secret}{SECRET}"
    sign = " " if name.startswith("-") else "="
    for quoted in (json.dumps(planted), json.dumps(planted, ensure_ascii=False), repr(planted)):
        assert SECRET not in Redactor().text(f"run {name}{sign}{quoted} --fast 5")


# Known by the name beside them, or a form that the cases above have: a login, a marker.
NOT_BY_FORM = {
    "Basic Auth Credentials", "Cloudant Credentials", "IBM Cloud IAM Key",
    "IBM COS HMAC Credentials", "Private Key", "Public IP (ipv4)", "SoftLayer Credentials",
}  # fmt: skip
# The first has the name in it. The second would hide symbols such as APECOINUSDT.
NOT_OURS = ("aws.{0,20}?", '(?:\\s|=|:|"|^)AP')


def forms() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield every pattern of the kept list that knows a secret by its own form."""
    classes: dict[str, Any] = get_mapping_from_secret_type_to_class()
    for kind, made in sorted(classes.items()):
        if issubclass(made, RegexBasedDetector) and kind not in NOT_BY_FORM:
            yield from ((kind, p) for p in made().denylist if not p.pattern.startswith(NOT_OURS))


def test_the_kept_list_is_there() -> None:
    assert len(list(forms())) > 20


@pytest.mark.parametrize(("kind", "pattern"), list(forms()))
@settings(max_examples=tries(10, 100))
@given(data=st.data())
def test_every_form_of_a_kept_list_is_known(
    kind: str, pattern: re.Pattern[str], data: st.DataObject
) -> None:
    alphabet = st.characters(min_codepoint=32, max_codepoint=126)
    token = data.draw(st.from_regex(pattern, fullmatch=True, alphabet=alphabet))
    assert REDACTED in Redactor().text(f"config {token} end"), kind


@pytest.mark.parametrize("pattern", PrivateKeyDetector().denylist)
def test_every_private_key_of_a_kept_list_is_known(pattern: re.Pattern[str]) -> None:
    begin = pattern.pattern
    opening = f"-----{begin}-----" if begin.startswith("BEGIN") else begin
    assert B62 not in Redactor().text(f"x\n{opening}\n{B62}\n")


@pytest.mark.parametrize("part", ["a", " ", "=", "://", "x://a:", "password=", "key='", "-x ", "\\",
                                  "curl ", '"', "a.", "--pass ", "eyJ", "eyJ-", "M.", "sk-", "glpat-", "SG.a-", "-----BEGIN PGP", "M"])  # fmt: skip
def test_long_text_takes_no_longer_than_its_length(part: str) -> None:
    started = time.process_time()
    Redactor().text(part * (tries(200_000, 400_000) // len(part)))
    assert time.process_time() - started < tries(5, 10)


def test_a_login_in_base64_is_hidden() -> None:
    login = base64.b64encode(f"me:{SECRET}".encode()).decode()
    assert Redactor().text(f"Basic {login}") == f"Basic {REDACTED}"
