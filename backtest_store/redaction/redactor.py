"""Replace secrets in JSON and in text."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from backtest_store.models import JsonValue
from backtest_store.redaction.looks_random import is_importable, looks_random, names_something
from backtest_store.redaction.passwords_in_text import NOTHING, without_assigned
from backtest_store.redaction.secret_names import Kind, kind_of
from backtest_store.redaction.token_forms import REDACTED, without_tokens

SHORTEST_LEARNED = 6  # a shorter one, replaced wherever it occurs, would hide words
LONGEST_KEPT = 2_000  # characters of a text whose result is worth keeping
# The working directory is no password, though its variable is named like one.
FOLDERS = frozenset({"PWD", "OLDPWD"})


class Redactor:
    """Replace secrets in JSON and in text, and remember the ones it met to find them elsewhere.

    What it returns is for people and for storage; nothing that tells runs apart is made of it. The
    secrets that are `known` are replaced wherever they stand as a whole word.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self._learn(known)

    def learn(self, value: JsonValue) -> None:
        """Remember the secrets of a JSON value without changing it."""
        self._learn(secrets_in(value))

    def redact(self, value: JsonValue) -> JsonValue:
        """Return a JSON value without its secrets, and without those met before."""
        self.learn(value)
        return _walk(value, self.text)

    def text(self, text: str) -> str:
        """Return a text without what looks like a secret, and without those met before."""
        if self._known is not None and any(secret in text for secret in self._secrets):
            text = self._known.sub(_replacement(text), text)
        return _without_patterns(text) if len(text) <= LONGEST_KEPT else _look_through(text)

    def _learn(self, secrets: Iterable[str]) -> None:
        new = {s for s in secrets if len(s) >= SHORTEST_LEARNED} - self._secrets
        if not new:
            return
        self._secrets |= new
        longest_first = sorted(map(re.escape, self._secrets), key=len, reverse=True)
        words = rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)"
        self._known = re.compile(words)


def environment_secrets() -> list[str]:
    """Return what the environment has under the name of a secret and looks like one, too."""
    return [
        value
        for name, value in os.environ.items()
        if name not in FOLDERS
        and kind_of(name) is not Kind.HARMLESS
        and looks_random(value)
        and not _is_path(value)
    ]


def secrets_in(value: JsonValue, kind: Kind = Kind.HARMLESS) -> Iterator[str]:
    """Yield every secret of a JSON value; `kind` is what its name says."""
    if isinstance(value, str):
        if is_secret(value, kind):
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from secrets_in(item, kind)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from secrets_in(item, _kind_within(kind, name))


def is_secret(value: str, kind: Kind) -> bool:
    """Say whether a text is a secret under a name of that kind."""
    if kind is Kind.HARMLESS or value.strip() in NOTHING:
        return False
    return not is_importable(value) if kind is Kind.SECRET else looks_random(value)


def _walk(value: JsonValue, text: Callable[[str], str], kind: Kind = Kind.HARMLESS) -> JsonValue:
    if isinstance(value, str):
        return REDACTED if is_secret(value, kind) else text(value)
    if isinstance(value, list):
        return [_walk(item, text, kind) for item in value]
    if isinstance(value, dict):
        return {
            text(name): _walk(item, text, _kind_within(kind, name)) for name, item in value.items()
        }
    return value


def _kind_within(outer: Kind, name: str) -> Kind:
    """Return what a name says inside of what is under another: credentials have many names."""
    return Kind.SECRET if outer is Kind.SECRET else kind_of(name)


def _replacement(text: str) -> Callable[[re.Match[str]], str]:
    """Leave an identifier whole that only shares a word with a secret."""
    if names_something(text):
        return lambda found: REDACTED if looks_random(found[0]) else found[0]
    return lambda _: REDACTED


def _look_through(text: str) -> str:
    return without_assigned(without_tokens(text))


# Every run of a process has the same few hundred texts.
_without_patterns = lru_cache(maxsize=4096)(_look_through)


def _is_path(text: str) -> bool:
    return text.startswith(("/", "~", "./")) and os.path.exists(os.path.expanduser(text))  # noqa: PTH110, PTH111
