"""Every test that the threat model names is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/\S+?)::(\w+)`", TEXT)))
THREATS = [line for line in TEXT.splitlines() if re.match(r"\| (?!threat|---)", line)]


@cache
def functions_of(path: str) -> set[str]:
    """Return the names of the functions of a file."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, functions)}


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_named_test_exists(path: str, name: str) -> None:
    assert name in functions_of(path)


def test_every_threat_names_a_test() -> None:
    assert len(THREATS) > 10
    assert [line for line in THREATS if "::test_" not in line] == []


def test_the_readme_leads_there() -> None:
    assert "(docs/threat-model.md)" in (ROOT / "README.md").read_text("utf-8")
