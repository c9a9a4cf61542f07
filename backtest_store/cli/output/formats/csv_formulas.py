"""Text for a CSV cell that no spreadsheet runs as a formula, however it splits the line.

Spreadsheets pass over spaces, line breaks and quotes before they look for a formula. Where the
decimal mark is a comma, they also split lines at semicolons, quoted or not.
"""

from __future__ import annotations

import re

# The last four are the wide forms that Chinese and Japanese versions take for the same.
STARTS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
START = re.compile(f"[{STARTS}]")
# What is passed over never includes what a match begins with: so no text takes quadratic time.
TEXT_FORMULA = re.compile(rf'((?:^|[;\r\n])(?:[^\S\r\n]|")*)(?=[{STARTS}])')
JSON_FORMULA = re.compile(rf';(?=[\s"]*[{STARTS}])')


def inert(text: str) -> str:
    """Return a text with an apostrophe before whatever a spreadsheet would run."""
    return TEXT_FORMULA.sub(r"\1'", text) if START.search(text) else text


def inert_json(text: str) -> str:
    """Do the same to JSON, by an escape that leaves its meaning alone."""
    return JSON_FORMULA.sub(r"\\u003b", text)
