"""What each combination of a grid must satisfy."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from backtest_store.errors import UsageError
from backtest_store.models import Json
from backtest_store.runner.config.loading import Config
from backtest_store.runner.grids.ranges import number
from backtest_store.suggestions import did_you_mean

# What a comparison is made of; anything else, such as a call, is none.
_PARTS = (ast.Expression, ast.Compare, ast.BoolOp, ast.BinOp, ast.Constant, ast.Name, ast.Load,
          ast.cmpop, ast.boolop, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod)  # fmt: skip


class Values(Mapping[str, Any]):
    """What the names in a constraint stand for: the combination's values, else the config's."""

    def __init__(self, config: Config, settings: Json) -> None:
        parameters = config.content.get("parameters") or {}
        if config.is_long:
            strategies = (config.content.get("engine") or {}).get("strategies") or [{}]
            parameters = strategies[0].get("config") or {}
        self._held = parameters | settings

    def __getitem__(self, name: str) -> Any:
        value = self._held.get(name, self._held.get(f"parameters.{name}"))
        if value is None:
            raise UsageError(f"nothing is called {name!r}{did_you_mean(name, self)}")
        try:
            return number(Decimal(value)) if isinstance(value, str) else value
        except InvalidOperation:
            return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


class _Dotted(ast.NodeTransformer):
    """Takes `data.start` for one name."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.Name:
        """Return the attribute as a name."""
        return ast.copy_location(ast.Name(ast.unparse(node), ast.Load()), node)


@lru_cache
def constraint(text: str) -> Callable[[Values], bool]:
    """Return what tells whether values satisfy a comparison such as `fast < slow`."""
    wrong = f"{text!r} is no comparison; write 'fast_period < slow_period'"
    try:
        tree = _Dotted().visit(ast.parse(text, mode="eval"))
    except SyntaxError:
        raise UsageError(wrong) from None
    if not all(isinstance(part, _PARTS) for part in ast.walk(tree)):
        raise UsageError(wrong)
    code = compile(tree, text, "eval")

    def is_met(values: Values) -> bool:
        try:
            return bool(eval(code, {"__builtins__": {}}, values))  # noqa: S307 - comparisons alone
        except (TypeError, ArithmeticError):
            raise UsageError(wrong) from None

    return is_met
