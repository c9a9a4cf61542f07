"""Turn `--where` into conditions, read by Python's own parser; nothing of it is ever run.

What is not a name, a value, a comparison or `and`, `or`, `not` and `in` has no meaning here, and is
refused with a mark below its place.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Literal, NamedTuple
from warnings import catch_warnings, simplefilter

from backtest_store.errors import UsageError
from backtest_store.models import RECORD_FIELDS
from backtest_store.runs.expressions import field_comparisons, json_documents
from backtest_store.runs.expressions.typed_values import WIDEST_NUMBER, Value, plain_text
from backtest_store.store import sql
from backtest_store.store.record_fields import TYPES
from backtest_store.store.sql import Condition

Word = Literal["AND", "OR"]
PARAMETERS = "parameters"
ALIASES = {
    "batch": "batch",
    "config": "config_snapshot",
    "instrument": "instrument_ids",
    "strategy": "strategy_name",
    "tag": "tags",
    "type": "strategy_type",
}
DOCUMENTS = tuple(name for name in RECORD_FIELDS if TYPES[name] == "Json")
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


class Subject(NamedTuple):
    """What a name means: a field, or a path into a field that is a document."""

    field: str
    path: tuple[str, ...] = ()


class Where(NamedTuple):
    """An expression, ready to be asked: what a run must meet, and what it names, each once."""

    conditions: tuple[Condition, ...]
    subjects: tuple[Subject, ...]


def where(text: str) -> Where:
    """Return what an expression asks of runs, or refuse it with a mark below the place."""
    line = re.sub(r"[\r\n\f]", " ", plain_text(text)).strip()
    if not line:
        raise UsageError("--where is empty", hint=LOOKS_LIKE)
    if len(line) > LONGEST:
        raise UsageError(f"--where is longer than {LONGEST:,} characters")
    tree, compiler = _tree(line), _Compiler(line)
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    conditions = tuple(map(compiler.condition, parts))
    return Where(conditions, tuple(compiler.subjects))


def subject_of(parts: tuple[str, ...]) -> Subject:
    """Return what a name means: a field goes before a parameter of the same name."""
    first, rest = ALIASES.get(parts[0], parts[0]), parts[1:]
    if first in DOCUMENTS and rest:
        return Subject(first, rest)
    if (first in RECORD_FIELDS or first == "batch") and not rest:
        return Subject(first)
    return Subject(PARAMETERS, parts)


ALONE = re.compile(r"(?<![=<>!])=(?![=<>])")  # as `--param` has it


def _tree(text: str) -> ast.expr:
    try:
        with catch_warnings():
            simplefilter("ignore", SyntaxWarning)
            simplefilter("ignore", DeprecationWarning)
            return ast.parse(PERCENT.sub(lambda m: m[1] or f"{m[2]} ", text), mode="eval").body
    except SyntaxError as error:
        at = min(error.offset - 1, len(text)) if error.offset else len(text)
        reason = error.msg.partition(". Perhaps")[0].partition(". Maybe")[0]
        reason = "write == for equal" if ALONE.match(text, at) else reason
        raise _refused(text, at, reason) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"--where cannot be read: {error}", hint=LOOKS_LIKE) from None


def _refused(text: str, at: int, reason: str, hint: str = LOOKS_LIKE) -> UsageError:
    return UsageError(f"--where: {reason}\n  {text}\n  {' ' * at}^", hint=hint)


class _Compiler:
    """Makes conditions of the parts of an expression; what is wrong is said at its place."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.subjects: dict[Subject, None] = {}

    def condition(self, tree: ast.expr) -> Condition:
        """Return the condition that a part of an expression is."""
        match tree:
            case ast.BoolOp(op, parts):
                return _joined(
                    "AND" if isinstance(op, ast.And) else "OR", map(self.condition, parts)
                )
            case ast.UnaryOp(ast.Not(), operand):
                return sql.negated(self.condition(operand))
            case ast.Compare(left, operators, rights):
                sides = zip(pairwise([left, *rights]), operators, strict=True)
                return _joined("AND", (self._comparison(*pair, sign) for pair, sign in sides))
            case ast.Name() | ast.Attribute() | ast.Subscript():
                subject = self._subject(tree)
                return self._explained(tree, lambda: _holds(*subject))
        raise self._refused(tree, "here a comparison or a name is needed")

    def _comparison(self, left: ast.expr, right: ast.expr, operator: ast.cmpop) -> Condition:
        if isinstance(operator, ast.In | ast.NotIn):
            return self._within(left, right, is_in=isinstance(operator, ast.In))
        sign = OPERATORS[type(operator)]
        if _is_name(left) and not _is_name(right):
            return self._compared(left, sign, right)
        if _is_name(right) and not _is_name(left):
            return self._compared(right, TURNED.get(sign, sign), left)
        raise self._refused(right, "compare a name to a value, such as fast_period >= 10")

    def _within(self, left: ast.expr, right: ast.expr, *, is_in: bool) -> Condition:
        """Return what `in` asks: a name among values, or a text inside what a name holds."""
        if _is_name(left) and isinstance(right, ast.Tuple | ast.List | ast.Set):
            if not right.elts:
                raise self._refused(right, "this list is empty")
            sign = "=" if is_in else "!="
            each = (self._compared(left, sign, value) for value in right.elts)
            return _joined("OR" if is_in else "AND", each)
        if _is_name(right) and not _is_name(left):
            subject, name, text = self._subject(right), self._parts(right), self._value(left)
            found = self._explained(left, lambda: _contains(subject, ".".join(name), text))
            return found if is_in else sql.negated(found)
        raise self._refused(right, "write 'text' in note, or fast_period in (5, 10)")

    def _compared(self, name: ast.expr, operator: str, literal: ast.expr) -> Condition:
        subject, value = self._subject(name), self._value(literal)
        return self._explained(literal, lambda: _compared(subject, operator, value))

    def _subject(self, tree: ast.expr) -> Subject:
        subject = subject_of(self._parts(tree))
        self.subjects[subject] = None
        return subject

    def _parts(self, tree: ast.expr) -> tuple[str, ...]:
        match tree:
            case ast.Name(name):
                return (name,)
            case ast.Attribute(value, name):
                return (*self._parts(value), name)
            case ast.Subscript(value, ast.Constant(str(part) | int(part))):
                return (*self._parts(value), str(part))
        raise self._refused(tree, "this is not a name", "names are like exit.multiple")

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
        start, end = self._place(tree.col_offset), self._place(tree.end_col_offset or 0)
        try:
            number = Decimal(self._text[start:end])
        except InvalidOperation:
            raise self._refused(tree, "numbers are written like 10, 0.5, 1e6 or 10%") from None
        if abs(number.adjusted()) > WIDEST_NUMBER:
            raise self._refused(tree, "this number is out of range")
        return number / 100 if self._text[end : end + 1] == "%" else number

    def _place(self, column: int) -> int:
        """Return a place in the text, of which Python counts the bytes."""
        return len(self._text.encode()[:column].decode())

    def _explained(self, tree: ast.expr, make: Callable[[], Condition]) -> Condition:
        try:
            return make()
        except UsageError as error:
            raise self._refused(tree, str(error), error.hint) from None

    def _refused(self, tree: ast.expr, reason: str, hint: str = LOOKS_LIKE) -> UsageError:
        return _refused(self._text, self._place(tree.col_offset), reason, hint)


def _joined(word: Word, parts: Iterable[Condition]) -> Condition:
    return sql.joined(field_comparisons.NAME, word, [*parts])


def _is_name(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Name | ast.Attribute | ast.Subscript)


def _compared(subject: Subject, operator: str, value: Value) -> Condition:
    if isinstance(value, str):
        plain_text(value)
    if subject.path:
        return json_documents.compared(*subject, operator, value)
    if subject.field != "batch":
        return field_comparisons.compared(subject.field, operator, value)
    if value is None:
        return field_comparisons.compared("batch_id", operator, None)
    if operator not in {"=", "!="} or not isinstance(value, str):
        raise UsageError("batch is an id or a name, such as batch == 'grid200'")
    found = field_comparisons.fragment("batch", value)
    if operator == "=":
        return found
    is_of_one = field_comparisons.compared("batch_id", "!=", None)
    return _joined("AND", [is_of_one, sql.negated(found)])


def _contains(subject: Subject, name: str, value: Value) -> Condition:
    if not isinstance(value, str):
        raise UsageError(f"only a text can be in {name}")
    if subject.path:
        return json_documents.contains(*subject, plain_text(value))
    field = "batch_name" if subject.field == "batch" else subject.field
    return field_comparisons.contains(field, plain_text(value))


def _holds(field: str, path: tuple[str, ...]) -> Condition:
    if path:
        return json_documents.holds(field, path)
    return field_comparisons.holds("batch_id" if field == "batch" else field)
