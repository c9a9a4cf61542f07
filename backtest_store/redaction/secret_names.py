"""What a name says of its value: a secret, perhaps one, or none.

A name is read as words, however they are joined: `api_key`, `apiKey`, `API-KEY`. The last of them
says what the value is: `api_key` is a key, `key_level` a level and `token_bucket_rate` a rate.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache
from typing import Final


class Kind(Enum):
    """What a name says of its value."""

    SECRET = auto()
    """Nobody else should see it, whatever it looks like."""
    AMBIGUOUS = auto()
    """A secret to a programmer, but something else to a trader: what it looks like decides."""
    HARMLESS = auto()
    """It is what it is."""


def _set(text: str, separator: str | None = None) -> frozenset[str]:
    return frozenset(text.split(separator))


WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]+")

# Words that may follow without changing what the value is.
VARIANTS: Final = _set(
    "value string str text hash hex b64 base64 raw plain plaintext encoded encrypted header json"
    " live test testnet mainnet prod production dev staging sandbox demo paper"
    " old new current previous primary secondary default main backup"
)
# Names in one word, also at the end of a longer one: PGPASSWORD, clientsecret.
SUFFIXES: Final = (
    "password", "passwords", "passwd", "passphrase", "secret", "secrets", "mnemonic", "apikey",
    "apikeys", "privatekey", "secretkey", "accesskey", "authtoken", "accesstoken", "apitoken",
)  # fmt: skip
LAST_WORDS: Final = _set(
    "passcode passkey pwd pw credential credentials creds cred authorization bearer cookie cookies"
    " webhook webhooks dsn totp jwt signature pass"
)
PASSES_OF_A_FILTER: Final = _set("low high band all first second single multi two one")
PHRASES: Final = _set(
    "seed phrase,recovery phrase,backup phrase,seed words,pass phrase,pass word,pass code,pass key"
    ",connection string,connection uri,service account,shared access,sas url,sas uri,webhook url"
    ",webhook urls,webhook uri,access key id,api key id",
    ",",
)
KEYS: Final = _set(
    "api app access private secret account signing encryption client consumer storage ssh auth"
    " shared master license licence service security deploy hmac subscription"
)
TOKENS: Final = _set(
    "auth access session refresh id api bot bearer security csrf xsrf oauth user app login jwt"
    " service deploy personal private secret device push sas vault webhook verification"
    " discord github gitlab hf huggingface npm pypi sentry slack telegram tradier"
)
# Whose keys these are: venues, data vendors, and services that tell or store.
ISSUERS: Final = _set(
    "alpaca alphavantage anthropic apca architect aws azure betfair binance bitfinex bitget bitmex"
    " bitstamp blockfrost bybit coinapi coinbase coingecko databento deribit discord dydx finnhub"
    " fmp gate gateio gcp gemini github gitlab glassnode google hf htx huggingface huobi"
    " hyperliquid ib ibkr iex infura kraken kucoin mexc newsapi npm oanda okx openai paradex"
    " phemex polygon polymarket pypi quandl sendgrid sentry slack stripe tardis telegram tiingo"
    " tradier tradovate twilio wandb"
)
QUESTIONS: Final = _set("has is")  # has_password is answered by yes or no
AMBIGUOUS: Final = _set("token key sig pin pat auth otp sas session")


@lru_cache(maxsize=4096)
def kind_of(name: str) -> Kind:
    """Return what a name says of its value."""
    words = words_of(name)
    if not words or words[0] in QUESTIONS:
        return Kind.HARMLESS
    while not _is_secret(words):
        if words[-1] not in VARIANTS or len(words) == 1:
            is_public = words[-2:] in (["public", "key"], ["public", "keys"])
            is_ambiguous = words[-1].removesuffix("s") in AMBIGUOUS or words[-1] in AMBIGUOUS
            return Kind.AMBIGUOUS if is_ambiguous and not is_public else Kind.HARMLESS
        words.pop()
    return Kind.SECRET


def words_of(name: str) -> list[str]:
    """Split a name into its words, in lower case and without numbers."""
    return [word.lower() for word in WORD.findall(name)]


def _is_secret(words: list[str]) -> bool:
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last == "pass":
        return before not in PASSES_OF_A_FILTER
    if last.endswith(SUFFIXES) or last in LAST_WORDS:
        return True
    if " ".join(words[-2:]) in PHRASES or " ".join(words[-3:]) in PHRASES:
        return True
    if last in {"key", "keys"}:
        return before in KEYS or before in ISSUERS
    return last in {"token", "tokens"} and before in TOKENS
