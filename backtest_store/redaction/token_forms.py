"""Secrets that are known by their form, wherever they stand.

Whose form each is stands beside it. The tests hold this list to the patterns that detect-secrets
keeps: as a dependency it would bring an HTTP client and 200 ms of imports into every backtest.
"""

from __future__ import annotations

import re

REDACTED = "[redacted]"

FORMS = (
    r"(?<![A-Z0-9])(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16}(?![A-Z0-9])",  # AWS
    r"(?<![\w-])eyJ[\w=-]+\.[\w=-]+(?:\.[\w.+/=-]*)?",  # JSON Web Token
    r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,})",  # GitHub
    r"\b(?:gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas|ffct)-[\w.=-]{16,}|GR1348941[\w-]{20,})",
    r"\b(?i:xox[a-z](?:\.xox[a-z])?-[\w-]{3,}|xapp-[\w-]{10,})",  # Slack
    r"\b[rsp]k_(?:live|test)_\w{8,}",  # Stripe
    r"\bwhsec_[\w+/=]{16,}",  # Stripe, Svix
    r"\bsk-(?=[\w-]{0,99}[0-9])[\w-]{16,}",  # OpenAI, Anthropic, OpenRouter
    r"\bnpm_\w{20,}",
    r"\bAIza[\w-]{20,}",  # Google
    r"\b(?:GOCSPX-[\w-]{20,}|ya29\.[\w-]{20,})",  # Google OAuth
    r"\bSG\.[\w-]{16,}\.[\w-]{16,}",  # SendGrid
    r"\bpypi-[\w-]{20,}",
    r"\bhf_[A-Za-z0-9]{20,}",  # Hugging Face
    r"\b(?:AC|SK)[a-z0-9]{32}\b",  # Twilio
    r"\b[0-9a-z]{32}-us[0-9]{1,2}\b",  # Mailchimp
    r"\bsq0[a-z]{3}-[\w\\-]{20,}",  # Square
    r"\b[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}",  # Discord
    r"(?<!\d)\d{8,10}:[\w-]{35}(?![\w-])",  # Telegram
    r"\bAKC[a-zA-Z0-9]{10,}",  # Artifactory; its AP… would be APECOINUSDT, too
    r"\b(?:dop|doo|dor)_v1_[0-9a-f]{32,}",  # DigitalOcean
    r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",  # Shopify
    r"\bdapi[0-9a-f]{32}",  # Databricks
    r"\b(?:hvs|hvb|hvr)\.[\w-]{20,}",  # Vault
    r"(?i:(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[\w/-]+)",
    r"(?<=/api/webhooks/)\d+/[\w-]+",  # Discord
    r"(?<=\.webhook\.office\.com/)webhookb2/\S+",
    r"-----BEGIN [A-Z0-9 ]*(?:PRIVATE KEY|PGP)[A-Z0-9 ]*-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)",
    r"PuTTY-User-Key-File-\d.*",
)
TOKEN = re.compile("|".join(FORMS), re.DOTALL)
# What each of them has somewhere; most texts have none and need no closer look.
TRACE = re.compile(
    r"A3T|ABIA|ACCA|AKIA|ASIA|eyJ|gh[pousr]_|github_pat_|gl[a-z]+-|GR1348941|(?i:xox|xapp-|hooks\.slack)|k_live_"
    r"|k_test_|whsec_|sk-|npm_|AIza|GOCSPX|ya29|SG\.|pypi-|hf_|AC[a-z0-9]{9}|SK[a-z0-9]{9}|-us\d"
    r"|sq0|[\w-]{6}\.[\w-]{27}|\d{8}:|AKC|_v1_|shp|dapi|hv[sbr]\.|/webhooks/"
    r"|webhookb2|-----BEGIN|PuTTY"
)


def without_tokens(text: str) -> str:
    """Return a text without what has the form of a token or a private key."""
    return TOKEN.sub(REDACTED, text) if TRACE.search(text) else text
