r"""Secrets that stand beside what says so: `password=…`, `"apiKey": "…"`, `--pass …`, in a URL.

JSON may stand in a string of JSON, with its quotes escaped: `{\"password\": \"…\"}`.
"""

from __future__ import annotations

import re

from backtest_store.redaction.looks_random import looks_random
from backtest_store.redaction.secret_names import Kind, kind_of
from backtest_store.redaction.token_forms import REDACTED

NAME = re.compile(
    r"(?<![\w.-])(?:(?P<option>--?[A-Za-z][\w-]*)\s++(?!-)"
    r"|(?P<name>[A-Za-z_-][\w.-]*)(?:\\*['\"])?\]?\s{0,3}(?:=>|:?=+|:(?!//))[ \t]*)"
)
QUOTED = re.compile(
    r"(?P<before>(?:[A-Za-z_]\w*\()?[ubrfUBRF]{0,2}(?P<quote>\\*['\"]))(?P<value>.*?)"
    r"(?P<after>(?<!\\)(?P=quote)|\Z)",
    re.DOTALL,
)
GROUP = re.compile(r"(?P<before>[\[{(])(?P<value>[^\[\](){}]*)(?P<after>[\])}]?)")
SCHEME = re.compile(
    r"(?P<before>)(?P<value>(?:Bearer|Basic|Token|Digest|ApiKey)\s+[^\s,;&)\]}'\"]+)", re.IGNORECASE
)
BARE = re.compile(r"(?P<before>)(?P<value>[^\s,;&)\]}'\"\\]+)")
LINE = re.compile(r"(?P<before>)(?P<value>[^\n,;'\"}\]]+)")
OF_MANY_WORDS = frozenset({"mnemonic", "phrase", "words", "cookie", "cookies"})
NOTHING = frozenset({"", "None", "none", "null", "True", "False", "true", "false", REDACTED})

# The password of a URL may hold anything but spaces and quotes, also a slash; of a host's port
# there are at most five digits, and a page below it may have an @ in its name.
LOGIN = re.compile(
    r"(?P<before>(?<![a-zA-Z0-9+.-])(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]{0,30})://)(?P<user>[^\s/?#@:'\"\\]*)"
    r"(?P<colon>:)(?P<password>[^\s'\"<>]{0,1000})@"
)
USER = re.compile(
    r"(?P<before>(?<![a-zA-Z0-9+.-])[a-zA-Z][a-zA-Z0-9+.-]{0,30}://)(?P<user>[^\s/?#@:'\"\\]+)(?=@)"
)
PORT = re.compile(r"\d{1,5}(?:[/?#]|$)")
WEB = frozenset({"http", "https", "ws", "wss", "ftp"})
QUERY = re.compile(r"(?P<before>[?&]code=)(?P<value>[^\s&#'\"]+)", re.IGNORECASE)
CURL = re.compile(
    r"(?P<before>\bcurl\b[^\n|;]{0,300}?\s(?:-u\s*|--user(?:\s+|=))['\"]?[^\s:'\"]*:)(?P<value>[^\s'\"]+)"
)
BARE_SCHEME = re.compile(r"(?P<before>\b(?:Bearer|Basic)\s+)(?P<value>[\w.~+/=-]{8,})")


def without_assigned(text: str) -> str:
    """Return a text without the values that stand beside the name of a secret."""
    if "://" in text:
        text = USER.sub(_hide_user, LOGIN.sub(_hide_login, text))
        text = QUERY.sub(_hide_if_random, text)
    if "curl" in text:
        text = CURL.sub(_hide, text)
    if "=" in text or ":" in text or "-" in text:
        text = _named_values_hidden(text)
    return BARE_SCHEME.sub(_hide_if_random, text)


def _named_values_hidden(text: str) -> str:
    """Walk from name to name; a value that is no secret may have names in it."""
    parts, done, place = [], 0, 0
    while found := NAME.search(text, place):
        place = found.end()
        name = found["option"] or found["name"]
        kind = kind_of(name)
        if kind is Kind.HARMLESS:
            continue
        value = _value(text, found.end(), name, is_option=found["option"] is not None)
        if value is None or not _is_secret(kind, value["value"]):
            continue
        parts += [text[done : value.start("value")], REDACTED]
        done = place = value.end("value")
    return "".join([*parts, text[done:]])


def _value(text: str, start: int, name: str, *, is_option: bool) -> re.Match[str] | None:
    """Return the value that begins at a place."""
    forms = [QUOTED, SCHEME, BARE] if is_option else [QUOTED, GROUP, SCHEME, BARE]
    if not OF_MANY_WORDS.isdisjoint(re.split(r"[^a-z]+", name.lower())):
        forms[-1] = LINE
    return next(filter(None, (form.match(text, start) for form in forms)), None)


def _is_secret(kind: Kind, value: str) -> bool:
    if value.strip().strip("'\"") in NOTHING or REDACTED in value:
        return False
    return kind is Kind.SECRET or looks_random(value)


def _hide_login(found: re.Match[str]) -> str:
    user, password = found["user"], found["password"]
    is_page = found["scheme"].lower() in WEB and PORT.match(password) and "/" in password
    if is_page or password in NOTHING:
        return found[0]
    return f"{found['before']}{REDACTED if looks_random(user) else user}:{REDACTED}@"


def _hide_user(found: re.Match[str]) -> str:
    """Hide a token that a URL has in the place of the user."""
    return f"{found['before']}{REDACTED}" if looks_random(found["user"]) else found[0]


def _hide(found: re.Match[str]) -> str:
    return f"{found['before']}{REDACTED}"


def _hide_if_random(found: re.Match[str]) -> str:
    return _hide(found) if looks_random(found["value"]) else found[0]
