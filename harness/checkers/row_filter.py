"""Whether a row meets the filter of a binding: the judge's own reading of realtime-facts 4.2, for `routing`.

Written apart from the server's, so that it does not share its mistakes. It knows values only as JSON: what depends on
a column's type or collation is None, and nobody is blamed for it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

Met = bool | None
"""None: it cannot be told from here."""

_Values = tuple[Any, Any]
_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
}
_TRUTHS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("t", "true", "yes", "on", "1"), True),
    **dict.fromkeys(("f", "false", "no", "off", "0"), False),
}


def meets(text: str, row: Mapping[str, Any]) -> Met:
    """Whether a row, by column, meets all conditions of a filter; a blank text has none.

    A column that did not come cannot be told, nor can a filter that is not understood here.
    """
    verdicts = [_meets(condition.strip(), row) for condition in _split(text, ",")] if text.strip() else []
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _meets(condition: str, row: Mapping[str, Any]) -> Met:
    column, equals, rest = condition.partition("=")
    negated = rest.startswith("not.")
    op, dot, literal = rest.removeprefix("not.").partition(".")
    if not equals or not dot or column not in row:
        return None
    value = row[column]
    if op == "is":
        met = _is(value, literal)
    elif value is None:  # SQL's unknown delivers nothing, negated or not
        return False if op in _OPERATORS else None
    else:
        met = _OPERATORS[op](value, literal) if op in _OPERATORS else None
    return met if met is None or not negated else not met


def _is(value: Any, literal: str) -> Met:
    if literal in ("null", "unknown"):
        return value is None
    return value is (literal == "true") if literal in ("true", "false") else None


def _equal(value: Any, literal: str) -> Met:
    pair = _as_same_kind(value, _unquoted(literal))
    return None if pair is None else bool(pair[0] == pair[1])


def _unequal(value: Any, literal: str) -> Met:
    equal = _equal(value, literal)
    return None if equal is None else not equal


def _ordered(op: str) -> Callable[[Any, str], Met]:
    def compare(value: Any, literal: str) -> Met:
        pair = _as_same_kind(value, _unquoted(literal))
        # The order of texts depends on the collation.
        return None if pair is None or isinstance(pair[0], str | UUID) else _ORDERS[op](*pair)

    return compare


def _one_of(value: Any, literal: str) -> Met:
    if not (literal.startswith("(") and literal.endswith(")")):
        return None
    verdicts = {_equal(value, element.strip()) for element in _split(literal[1:-1], ",")}
    if True in verdicts:
        return True
    return None if None in verdicts else False


def _like(value: Any, literal: str) -> Met:
    """`%` is any text and `_` any character; a pattern with escapes is not understood here."""
    pattern = _unquoted(literal)
    if not isinstance(value, str) or "\\" in pattern:
        return None
    parts = {"%": ".*", "_": "."}
    return re.fullmatch("".join(parts.get(char, re.escape(char)) for char in pattern), value, re.DOTALL) is not None


_OPERATORS: Final[Mapping[str, Callable[[Any, str], Met]]] = {
    "eq": _equal,
    "neq": _unequal,
    "in": _one_of,
    "like": _like,
    **{op: _ordered(op) for op in _ORDERS},
}


def _as_same_kind(value: Any, literal: str) -> _Values | None:
    """The value and the literal as two that Python compares as PostgreSQL does, or None."""
    if isinstance(value, bool):
        truth = _TRUTHS.get(literal.lower())
        return None if truth is None else (value, truth)
    if isinstance(value, int | float):
        number = _number(literal)
        return None if number is None else (Decimal(str(value)), number)
    if not isinstance(value, str):
        return None
    if value == literal:
        return value, literal
    for read in (_uuid, _time):
        pair = read(value), read(literal)
        if None not in pair:
            return pair if read is _uuid or _zoned(*pair) else None
    return value, literal


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _zoned(*times: Any) -> bool:
    """Whether all have their zone; a time without one depends on the session."""
    return all(time.tzinfo is not None for time in times)


def _split(text: str, separator: str) -> Iterator[str]:
    """The parts between separators outside of parentheses and quotes; a quote opens only after a dot, ( or comma."""
    start = depth = 0
    quoted = escaped = False
    for at, char in enumerate(text):
        if quoted:
            quoted = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"' and (at == 0 or text[at - 1] in ".(,"):
            quoted = True
        elif char in "()":
            depth = max(0, depth + (1 if char == "(" else -1))
        elif char == separator and depth == 0:
            yield text[start:at]
            start = at + 1
    yield text[start:]


def _unquoted(text: str) -> str:
    """Without the double quotes around it, and their escapes."""
    if len(text) < 2 or not (text.startswith('"') and text.endswith('"')):
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1])
