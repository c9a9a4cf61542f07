"""What each combination of a grid must satisfy."""

from __future__ import annotations

import ast
from collections.abc import Callable
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


def values_of(config: Config, settings: Json) -> Json:
    """Return what the names in a constraint stand for: values of the combination or config."""
    parameters = config.content.get("parameters") or {}
    if config.is_long:
        strategies = (config.content.get("engine") or {}).get("strategies") or [{}]
        parameters = strategies[0].get("config") or {}
    bare = {key.removeprefix("parameters."): value for key, value in settings.items()}
    held = parameters | bare | settings
    return {name: _number(value) for name, value in held.items() if value is not None}


def _number(value: Any) -> Any:
    """Read a number that the shell gave as text."""
    try:
        return number(Decimal(value)) if isinstance(value, str) else value
    except InvalidOperation:
        return value


class _Dotted(ast.NodeTransformer):
    """Takes `data.start` for one name."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.Name:
        """Return the attribute as a name."""
        return ast.copy_location(ast.Name(ast.unparse(node), ast.Load()), node)


@lru_cache
def constraint(text: str) -> Callable[[Json], bool]:
    """Return what tells whether values satisfy a comparison such as `fast < slow`."""
    wrong = f"{text!r} is no comparison; write 'fast_period < slow_period'"
    try:
        tree = _Dotted().visit(ast.parse(text, mode="eval"))
    except SyntaxError:
        raise UsageError(wrong) from None
    if not all(isinstance(part, _PARTS) for part in ast.walk(tree)):
        raise UsageError(wrong)
    code = compile(tree, text, "eval")

    def is_met(values: Json) -> bool:
        try:
            return bool(eval(code, {"__builtins__": {}}, values))  # noqa: S307 - comparisons alone
        except NameError as error:
            nearest = did_you_mean(str(error.name), values)
            raise UsageError(f"nothing is called {error.name!r}{nearest}") from None
        except (TypeError, ArithmeticError):
            raise UsageError(wrong) from None

    return is_met
