"""Whether a module's file is still what the module was made of."""

from __future__ import annotations

import ast
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

PYC_STAMP = slice(8, 16)  # the time and the size of the source that it was made of
SECONDS_32 = 0xFFFF_FFFF
JUST_NOW = 0.05  # what the clock of the process's start may be off by, in seconds


def is_as_imported(module: ModuleType, file: Path, content: bytes) -> bool:
    """Tell whether a file has the content that its module was made of, and not a later one.

    Python remembers no digest. A file older than the process cannot have changed since, one that
    Python has compiled just so has not, and of any other the module's functions and constants are
    compared with what the file has now.
    """
    status = file.stat()
    if status.st_mtime <= _process_began() + JUST_NOW or _is_compiled(file, status):
        return True
    try:
        tree = ast.parse(content)
        code = compile(content, str(file), "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    known = set(_codes(code))
    is_same = all(function.__code__ in known for function in _functions(module))
    return is_same and all(
        bool(vars(module).get(name, value) == value) for name, value in _constants(tree)
    )


def _is_compiled(file: Path, status: os.stat_result) -> bool:
    try:
        stamp = Path(cache_from_source(str(file))).read_bytes()[PYC_STAMP]
    except (OSError, NotImplementedError):
        return False
    expected = (int(status.st_mtime) & SECONDS_32, status.st_size & SECONDS_32)
    return stamp == b"".join(part.to_bytes(4, "little") for part in expected)


@cache
def _process_began() -> float:
    """Return when this process began, in seconds since 1970; where unknown, when it asked."""
    try:
        ticks = float(Path("/proc/self/stat").read_text("utf-8").rpartition(")")[2].split()[19])
        up = float(Path("/proc/uptime").read_text("utf-8").split()[0])
        return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.time()


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """Yield the functions that a module defines, methods included."""
    for value in list(vars(module).values()):
        if getattr(value, "__module__", None) != module.__name__:
            continue
        inside = vars(value).values() if isinstance(value, type) else [value]
        for item in inside:
            function = getattr(item, "__func__", item)
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                yield function


def _constants(tree: ast.Module) -> Iterator[tuple[str, object]]:
    """Yield the names that a module gives a literal value, and the value."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            with suppress(ValueError):
                yield node.targets[0].id, ast.literal_eval(node.value)
