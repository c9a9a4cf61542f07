"""Take secrets out of what is stored, spooled or logged; never out of what is hashed."""

from backtest_store.redaction.redactor import Redactor, environment_secrets
from backtest_store.redaction.secret_names import Kind, kind_of
from backtest_store.redaction.token_forms import REDACTED

__all__ = ["REDACTED", "Kind", "Redactor", "environment_secrets", "kind_of"]
