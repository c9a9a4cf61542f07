"""What each combination of a grid must satisfy."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from backtest_store.errors import UsageError
from backtest_store.models import Json
from backtest_store.runner.config.config import Config
from backtest_store.runner.config.suggestions import did_you_mean
from backtest_store.runner.grids.values import number

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Add: operator.add, ast.Sub: operator.sub,
    ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Mod: operator.mod,
}  # fmt: skip


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
            raise UsageError(f"constraints: nothing is called {name!r}{did_you_mean(name, self)}")
        try:
            return number(Decimal(value)) if isinstance(value, str) else value
        except InvalidOperation:
            return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


def constraint(text: str) -> Callable[[Mapping[str, Any]], bool]:
    """Return what tells whether values satisfy a comparison such as `fast < slow`."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        raise UsageError(_no_constraint(text)) from None
    return lambda values: bool(_evaluate(tree, values, text))


def _evaluate(node: ast.expr, values: Mapping[str, Any], text: str) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return values[name]
        case ast.Attribute():
            return values[ast.unparse(node)]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](
                _evaluate(left, values, text), _evaluate(right, values, text)
            )
        case ast.BoolOp(op=op, values=parts):
            found = (_evaluate(part, values, text) for part in parts)
            return all(found) if isinstance(op, ast.And) else any(found)
        case ast.Compare(left=left, ops=ops, comparators=right):
            sides = [_evaluate(side, values, text) for side in (left, *right)]
            pairs = zip(ops, sides, sides[1:], strict=False)
            try:
                return all(_OPERATORS[type(op)](a, b) for op, a, b in pairs)
            except (TypeError, KeyError):
                raise UsageError(_no_constraint(text)) from None
    raise UsageError(_no_constraint(text))


def _no_constraint(text: str) -> str:
    return f"constraints: {text!r} is no comparison; write 'fast_period < slow_period'"
