"""The grammar of a binding's filter: text becomes `Filter` values (realtime-facts 4.2, recordings p03 and p03b)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from harness.realtime.elixir import inspect

_OPERATORS: Final = frozenset(
    {"eq", "neq", "lt", "lte", "gt", "gte", "in", "like", "ilike", "is", "match", "imatch", "isdistinct"}
)
_OPENS_QUOTE: Final = frozenset({".", "(", ","})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """`column op value`, negated by a `not.`; several filters of a binding must all be met."""

    column: str
    op: str
    value: str
    negate: bool = False

    def words(self) -> tuple[str, str, str, bool]:
        """As Realtime quotes it in a refusal."""
        return self.column, self.op, self.value, self.negate


@dataclass(frozen=True, slots=True, kw_only=True)
class Unparsable:
    """A filter that is refused; `message` goes into the `system` error."""

    message: str


def parse(text: str) -> tuple[Filter, ...] | Unparsable:
    """The filters of a binding; a blank text has none.

    The first part that cannot be read decides the refusal.
    """
    if not text.strip():
        return ()
    filters: list[Filter] = []
    for segment in _segments(text.strip()):
        parsed = _parse_segment(segment.strip())
        if isinstance(parsed, Unparsable):
            return parsed
        filters.append(parsed)
    return tuple(filters)


def _segments(text: str) -> Iterator[str]:
    """The parts between commas that stand outside of parentheses and quotes."""
    start = depth = 0
    for at, char in _unquoted(text):
        if char == "(":
            depth += 1
        elif char == ")":
            depth = max(0, depth - 1)
        elif char == "," and depth == 0:
            yield text[start:at]
            start = at + 1
    yield text[start:]


def _unquoted(text: str) -> Iterator[tuple[int, str]]:
    """Each character outside of quotes with its place; a quote opens only after a dot, parenthesis or comma."""
    quoted = escaped = False
    previous = ""
    for at, char in enumerate(text):
        if escaped:
            escaped = False
        elif quoted:
            escaped = char == "\\"
            quoted = char != '"'
        elif char == '"' and previous in _OPENS_QUOTE:
            quoted = True
        else:
            yield at, char
        previous = char


def _parse_segment(segment: str) -> Filter | Unparsable:
    if not segment:
        return _unparsable("filter must not contain empty segments (check for extra commas)")
    column, equals, rest = segment.partition("=")
    if not equals:
        return _unparsable(inspect([segment]))
    negate = rest.startswith("not.")
    op, dot, value = rest.removeprefix("not.").partition(".")
    if not dot:
        return _unparsable(inspect([op]))
    if op not in _OPERATORS:
        return _unparsable(inspect([op, value]))
    if op != "in":
        return Filter(column=column, op=op, value=_unquote(value), negate=negate)
    if not (len(value) >= 2 and value.startswith("(") and value.endswith(")")):
        return _unparsable("`in` filter value must be wrapped by parentheses")
    return Filter(column=column, op=op, value="{" + value[1:-1] + "}", negate=negate)


def _unquote(value: str) -> str:
    """The value without its double quotes; verbatim if they do not enclose it exactly."""
    if not value.startswith('"'):
        return value
    chars: list[str] = []
    escaped = False
    for at, char in enumerate(value[1:], start=1):
        if escaped or char not in '\\"':
            chars.append(char)
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            return "".join(chars) if at == len(value) - 1 else value
    return value


def _unparsable(reason: str) -> Unparsable:
    return Unparsable(message=f"Error parsing `filter` params: {reason}")
