"""Take secrets out of what is stored, spooled or logged."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

from backtest_store.models import Plain

REDACTED: Final = "[redacted]"
MIN_SECRET: Final = 6  # a shorter one, replaced wherever it occurs, would tear words apart

NAME: Final = (
    r"pass[-_]?(?:word|wd|phrase|code)|passwd|pwd|secret|token|credential|authorization"
    r"|bearer|cookie|api[-_]?key|apikey|access[-_]?key|account[-_]?key|private[-_]?key"
    r"|signing[-_]?key|encryption[-_]?key|client[-_]?key|storage[-_]?key|shared[-_]?access"
    r"|connection[-_]?string|service[-_]?account|sas[-_]?url"
)
SECRET_NAME = re.compile(NAME, re.IGNORECASE)
# What object stores call the two halves of a login, and too short to look for inside of words.
SECRET_EXACTLY: Final = frozenset({"key", "auth", "pin", "otp", "sas", "sig", "jwt", "pat"})
# The working directory is no password, though its variable is named like one.
FOLDERS: Final = frozenset({"PWD", "OLDPWD"})
# Names that contain one of the above and mean something else.
HARMLESS = re.compile(r"(?:^|[-_])(?:max|num|n|count|total)[-_]?tokens?$|tokeni[sz]", re.IGNORECASE)

URL_PASSWORD = re.compile(r"(?P<before>[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#@:'\"]*):[^\s/'\"]*@")
ASSIGNMENT = re.compile(
    rf"(?P<before>(?:[\w.-]*(?:{NAME})[\w.-]*['\"]?\s*(?:=|:(?!//))\s*(?:[ubrf](?=['\"]))?|--[\w-]*(?:{NAME})[\w-]*\s+))"
    r"(?P<value>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|(?:Bearer|Basic)\s+\S+|[^\s,;&)\]}'\"]+)",
    re.IGNORECASE,
)
QUERY = re.compile(r"(?P<before>[?&](?:sig|key|auth|code)=)[^\s&#'\"]+", re.IGNORECASE)
TOKEN = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|\bgh[pousr]_\w{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    re.DOTALL,
)


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Tell whether the value under a name is one that nobody else should see."""
    if name.lower() in SECRET_EXACTLY:
        return True
    return SECRET_NAME.search(name) is not None and HARMLESS.search(name) is None


class Redactor:
    """Replace secrets in JSON and in text, and remember the ones it met to find them elsewhere."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._secrets = {secret for secret in known if len(secret) >= MIN_SECRET}

    def learn(self, value: Plain) -> None:
        """Remember the secrets of a JSON value without changing it."""
        self._secrets.update(s for s in secrets_in(value) if len(s) >= MIN_SECRET)

    def redact(self, value: Plain) -> Plain:
        """Return a JSON value without its secrets, and without those met before."""
        self.learn(value)
        return _walk(value, self.text)

    def text(self, text: str) -> str:
        """Return text without URL passwords, assignments to secret names and secrets met before."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return _without_patterns(text)


@lru_cache(maxsize=4096)
def _without_patterns(text: str) -> str:
    """Hide what looks like a secret; every run of a process has the same few hundred texts."""
    if "://" in text:
        text = URL_PASSWORD.sub(rf"\g<before>:{REDACTED}@", text)
    text = TOKEN.sub(REDACTED, text)
    if "?" in text or "&" in text:
        text = QUERY.sub(rf"\g<before>{REDACTED}", text)
    return ASSIGNMENT.sub(_hide_value, text) if SECRET_NAME.search(text) else text


def environment_secrets() -> list[str]:
    """Return the values of the environment's variables whose names say that they are secret."""
    return [v for name, v in os.environ.items() if is_secret(name) and name not in FOLDERS]


def secrets_in(value: Plain) -> Iterator[str]:
    """Yield every text under a key that looks like a secret's."""
    if isinstance(value, list):
        for item in value:
            yield from secrets_in(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item) if is_secret(name) else secrets_in(item)


def _texts(value: Plain) -> Iterator[str]:
    if isinstance(value, str):
        if value != REDACTED:
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)


def _walk(value: Plain, text: Callable[[str], str]) -> Plain:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [_walk(item, text) for item in value]
    if isinstance(value, dict):
        return {text(name): _entry(name, item, text) for name, item in value.items()}
    return value


def _entry(name: str, value: Any, text: Callable[[str], str]) -> Plain:
    if not is_secret(name):
        return _walk(value, text)
    # None and False say that there is no secret, which is worth knowing.
    return value if value is None or isinstance(value, bool) else REDACTED


def _hide_value(match: re.Match[str]) -> str:
    value = match["value"]
    quote = value[0] if value[0] in "'\"" and len(value) > 1 else ""
    if value.strip("'\"") in ("", "None", "True", "False", REDACTED):
        return match[0]
    return f"{match['before']}{quote}{REDACTED}{quote}"
