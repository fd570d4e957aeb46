"""Whether a value meets a filter: decided here where that is certain, asked of PostgreSQL where it is not.

The core of filtering (realtime-facts 4.2, recordings p03 and p16). Certain are types whose equal values always print
alike, compared with literals that are written as they would be printed; everything else PostgreSQL casts and compares,
as the real server has it do for all.
"""

import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from harness.realtime.filters import Filter

Met = bool | None
"""None is SQL's unknown: a comparison with NULL. It delivers nothing, negated or not."""

Literal = str | None
"""A literal as its type prints it; None is NULL."""


class Comparison(NamedTuple):
    """What PostgreSQL is asked: see `harness_meets` in `sql/schema.sql`. `value` None is NULL."""

    type_name: str
    op: str
    value: str | None
    literal: str
    negate: bool


_INTEGERS: Final = frozenset({"int2", "int4", "int8", "oid"})
_AS_WRITTEN: Final = frozenset({"text", "varchar"})
_PRINTED_ALIKE: Final = _INTEGERS | _AS_WRITTEN | {"uuid", "name", "bool"}
_LONGEST_NAME: Final = 63
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_BOOLEANS: Final[Mapping[str, str]] = {"true": "t", "t": "t", "false": "f", "f": "f"}
_PLAIN_ELEMENTS: Final = re.compile(r'\{[^"\\{}]*\}')
_ORDERS: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
_TRUTHS: Final[Mapping[str, str | None]] = {"true": "t", "false": "f", "null": None, "unknown": None}


def is_plain(type_name: str, *, built_in: bool, enum: bool) -> bool:
    """Whether equal values of a type always print alike, and no two others do."""
    return enum or (built_in and type_name in _PRINTED_ALIKE)


def compared(each: Filter, value: str | None, *, type_name: str, plain: bool, cast: str) -> Met | Comparison:
    """Whether `value` meets a filter, or what to ask about it.

    `type_name` is the column's `pg_type.typname`, `cast` the same type as SQL writes it; `plain` says `is_plain`.
    """
    certain = _certain(each, value, type_name) if plain else _UNCERTAIN
    if isinstance(certain, Comparison):
        return Comparison(cast, each.op, value, each.value, each.negate)
    negated = each.negate and certain is not None
    return not certain if negated else certain


_UNCERTAIN: Final = Comparison("", "", None, "", False)


def _certain(each: Filter, value: str | None, type_name: str) -> Met | Comparison:
    """What holds without negation; `_UNCERTAIN` where only PostgreSQL knows."""
    if each.op == "is":
        return value == _TRUTHS[each.value] if each.value in _TRUTHS else _UNCERTAIN
    literals = _literals(each.op, each.value, type_name)
    if literals is None:
        return _UNCERTAIN
    if each.op == "isdistinct":
        return value != literals[0]
    if value is None:
        return None
    if each.op == "in":
        return True if value in literals else None if None in literals else False
    if each.op in ("eq", "neq"):
        return (value == literals[0]) is (each.op == "eq")
    return _ORDERS[each.op](int(value), int(literals[0] or 0))


@lru_cache(maxsize=4096)
def _literals(op: str, text: str, type_name: str) -> tuple[Literal, ...] | None:
    """The literals of a filter as their type prints them; None where the operator or the spelling is uncertain."""
    if op in _ORDERS and type_name not in _INTEGERS:
        return None
    if op in _ORDERS or op in ("eq", "neq", "isdistinct"):
        printed = _printed(text, type_name)
        return None if printed is None else (printed,)
    return _elements(text, type_name) if op == "in" and _PLAIN_ELEMENTS.fullmatch(text) else None


def _elements(text: str, type_name: str) -> tuple[Literal, ...] | None:
    inside = text[1:-1].strip(" \t\n\r\v\f")
    elements: list[Literal] = []
    for element in inside.split(",") if inside else ():
        stripped = element.strip(" \t\n\r\v\f")
        printed = _printed(stripped, type_name)
        if not stripped or (printed is None and stripped.lower() != "null"):
            return None
        elements.append(None if stripped.lower() == "null" else printed)
    return tuple(elements)


def _printed(text: str, type_name: str) -> str | None:
    """How PostgreSQL would print a literal, None if that is not certain."""
    if type_name == "uuid":
        return text.lower() if _UUID.fullmatch(text) else None
    if type_name in _INTEGERS:
        return text if _INTEGER.fullmatch(text) else None
    if type_name == "bool":
        return _BOOLEANS.get(text)
    if type_name == "name":
        return text if len(text.encode()) <= _LONGEST_NAME else None
    return text
