"""What is put into a page while the site is built: the errors, which change with every commit."""

from typing import Any

from tests.docs import generated

MARK = "<!-- errors -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the table of errors in its place."""
    return markdown.replace(MARK, generated.error_table()) if MARK in markdown else markdown
