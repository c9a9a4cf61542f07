"""Code that no file holds: what a function or a class does, by its compiled form."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from types import CodeType, FunctionType

from backtest_store.capture.identity.json_values import canonical, plain
from backtest_store.models import Plain


def code_digest(function: FunctionType) -> str:
    """Return the SHA-256 of what a function does, with its defaults and what it encloses."""
    return hashlib.sha256(canonical(described(function)).encode()).hexdigest()


def described(function: FunctionType) -> Plain:
    """Describe a function: its code, its defaults, and the values that it encloses."""
    return [
        _code(function.__code__),
        plain(function.__defaults__ or ()),
        plain(function.__kwdefaults__ or {}),
        plain([_content(cell) for cell in function.__closure__ or ()]),
    ]


def names_in(code: CodeType) -> Iterator[str]:
    """Yield the names that code looks up, and the code inside of it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def _code(code: CodeType) -> Plain:
    constants = [
        _code(constant)
        if isinstance(constant, CodeType)
        else [type(constant).__name__, plain(constant)]
        for constant in code.co_consts
    ]
    return [code.co_code.hex(), list(code.co_names), list(code.co_varnames), *constants]


def _content(cell: object) -> object:
    try:
        return cell.cell_contents  # type: ignore[attr-defined]
    except ValueError:  # nothing in it yet
        return None
