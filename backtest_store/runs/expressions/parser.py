"""Read an expression by Python's own parser, and refuse what is none with a mark below the place.

Nothing of it is ever run: what is not a name, a value, a comparison or `and`, `or`, `not` and
`in` has no meaning here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from warnings import catch_warnings, simplefilter

from backtest_store.errors import UsageError
from backtest_store.runs.expressions.tree import (
    Comparison,
    Contains,
    Holds,
    Joined,
    Literal,
    Name,
    Node,
    Not,
    Value,
)
from backtest_store.runs.expressions.typed_values import WIDEST_NUMBER, plain_text

LONGEST = 20_000  # characters
OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "=",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "=",
    ast.IsNot: "!=",
}
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
LOOKS_LIKE = "write it like \"sharpe_ratio > 1 and fast_period in (5, 10) and 'idea' in note\""
# Strings are passed over, so that a percent sign in one stays.
PERCENT = re.compile(
    r"""('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|"""
    r"(?<![\w.])(\d[\d_]*\.?\d*|\.\d+)%(?=\s*(?:$|[]),}<>=!]|(?:and|or|in|not|is|if|else)\b))"
)


def refused(text: str, at: int, reason: str, hint: str = LOOKS_LIKE) -> UsageError:
    """Return the error for a place of an expression, with a mark below it."""
    return UsageError(f"--where: {reason}\n  {text}\n  {' ' * at}^", hint=hint)


def on_one_line(text: str) -> str:
    """Return an expression as one line without space around it, as places in it are counted."""
    line = re.sub(r"[\r\n\f]", " ", plain_text(text)).strip()
    if not line:
        raise UsageError("--where is empty", hint=LOOKS_LIKE)
    if len(line) > LONGEST:
        raise UsageError(f"--where is longer than {LONGEST:,} characters")
    return line


def parse(text: str) -> Node:
    """Return what an expression on one line asks for, or refuse it with a mark below the place."""
    return _Parser(text).node(_tree(text))


def _tree(text: str) -> ast.expr:
    try:
        with catch_warnings():
            simplefilter("ignore", SyntaxWarning)
            simplefilter("ignore", DeprecationWarning)
            return ast.parse(PERCENT.sub(lambda m: m[1] or f"{m[2]} ", text), mode="eval").body
    except SyntaxError as error:
        at = min(error.offset - 1, len(text)) if error.offset else len(text)
        reason = error.msg.partition(". Perhaps")[0].partition(". Maybe")[0]
        raise refused(text, at, reason) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"--where cannot be read: {error}", hint=LOOKS_LIKE) from None


class _Parser:
    """Turns Python's tree into ours, keeping the places."""

    def __init__(self, text: str) -> None:
        self._text = text

    def node(self, tree: ast.expr) -> Node:
        """Return what a part of an expression asks for."""
        match tree:
            case ast.BoolOp(op, parts):
                word = "and" if isinstance(op, ast.And) else "or"
                return Joined(word, tuple(self.node(part) for part in parts))
            case ast.UnaryOp(ast.Not(), operand):
                return Not(self.node(operand))
            case ast.Compare():
                return self._comparisons(tree)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return Holds(self._name(tree))
        raise self._refused(tree, "here a comparison or a name is needed")

    def _comparisons(self, tree: ast.Compare) -> Node:
        sides = [tree.left, *tree.comparators]
        found = [
            self._comparison(left, operator, right)
            for (left, right), operator in zip(pairwise(sides), tree.ops, strict=True)
        ]
        return found[0] if len(found) == 1 else Joined("and", tuple(found))

    def _comparison(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Node:
        if isinstance(operator, ast.In | ast.NotIn):
            return self._within(left, right, is_in=isinstance(operator, ast.In))
        sign = OPERATORS[type(operator)]
        if _is_name(left) and not _is_name(right):
            return Comparison(self._name(left), sign, self._literal(right))
        if _is_name(right) and not _is_name(left):
            return Comparison(self._name(right), TURNED.get(sign, sign), self._literal(left))
        raise self._refused(right, "compare a name to a value, such as fast_period >= 10")

    def _within(self, left: ast.expr, right: ast.expr, *, is_in: bool) -> Node:
        """Return what `in` asks: a name among values, or a text inside what a name holds."""
        if _is_name(left) and isinstance(right, ast.Tuple | ast.List | ast.Set):
            if not right.elts:
                raise self._refused(right, "this list is empty")
            name, word, sign = self._name(left), *(("or", "=") if is_in else ("and", "!="))
            among = (Comparison(name, sign, self._literal(value)) for value in right.elts)
            return Joined(word, tuple(among))
        if _is_name(right) and not _is_name(left):
            found = Contains(self._name(right), self._literal(left))
            return found if is_in else Not(found)
        raise self._refused(right, "write 'text' in note, or fast_period in (5, 10)")

    def _name(self, tree: ast.expr) -> Name:
        return Name(tuple(self._parts(tree)), self._at(tree))

    def _parts(self, tree: ast.expr) -> Sequence[str]:
        match tree:
            case ast.Name(name):
                return [name]
            case ast.Attribute(value, name):
                return [*self._parts(value), name]
            case ast.Subscript(value, ast.Constant(str(part) | int(part))):
                return [*self._parts(value), str(part)]
        raise self._refused(tree, "this is not a name", "names are like exit.multiple")

    def _literal(self, tree: ast.expr) -> Literal:
        return Literal(self._value(tree), self._at(tree))

    def _value(self, tree: ast.expr) -> Value:
        match tree:
            case ast.Constant(None | bool() | str() as value):
                return value
            case ast.Constant(int() | float()):
                return self._number(tree)
            case ast.UnaryOp(ast.USub() | ast.UAdd(), ast.Constant(int() | float())):
                number = self._number(tree.operand)
                return -number if isinstance(tree.op, ast.USub) else number
        raise self._refused(tree, "here a number, a text, True, False or None is needed")

    def _number(self, tree: ast.expr) -> Decimal:
        """Return a number exactly as it is written, a percentage as a fraction."""
        start, end = self._at(tree), self._place(tree.end_col_offset or 0)
        try:
            number = Decimal(self._text[start:end])
        except InvalidOperation:
            raise self._refused(tree, "numbers are written like 10, 0.5, 1e6 or 10%") from None
        if abs(number.adjusted()) > WIDEST_NUMBER:
            raise self._refused(tree, "this number is out of range")
        return number / 100 if self._text[end : end + 1] == "%" else number

    def _at(self, tree: ast.expr) -> int:
        return self._place(tree.col_offset)

    def _place(self, column: int) -> int:
        """Return a place in the text, of which Python counts the bytes."""
        return len(self._text.encode()[:column].decode())

    def _refused(self, tree: ast.expr, reason: str, hint: str = LOOKS_LIKE) -> UsageError:
        return refused(self._text, self._at(tree), reason, hint)


def _is_name(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Name | ast.Attribute | ast.Subscript)
