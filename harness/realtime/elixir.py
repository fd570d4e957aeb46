"""Values as Elixir's `inspect` prints them: Realtime's refusals quote what the client asked for in that notation.

Seen in the recordings p03b (maps, lists, tuples, the broken line of `in_101`) and p12.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_WIDTH: Final = 80
_ESCAPES: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\0": "\\0",
    "\a": "\\a",
    "\b": "\\b",
    "\v": "\\v",
    "\f": "\\f",
    "\x1b": "\\e",
}
_UNPRINTABLE: Final = re.compile(r'["\\\x00-\x1f\x7f]|#(?=\{)')


def inspect(value: Any) -> str:
    """`value` (JSON, or a tuple of JSON) in Elixir's notation; a list too long for one line is broken as seen."""
    flat = _flat(value)
    if len(flat) <= _WIDTH or not isinstance(value, list):
        return flat
    return "[\n" + ",\n".join(f"  {_broken(element, indent=2)}" for element in value) + "\n]"


def _flat(value: Any) -> str:
    if isinstance(value, str):
        return '"' + _UNPRINTABLE.sub(_escape, value) + '"'
    if isinstance(value, Mapping):
        return "%{" + ", ".join(f"{_flat(key)} => {_flat(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, tuple):
        return "{" + ", ".join(map(_flat, value)) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(_flat, value)) + "]"
    return _atom_or_number(value)


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    if char == "#":
        return "\\#"
    return _ESCAPES.get(char, f"\\x{ord(char):02X}")


def _atom_or_number(value: Any) -> str:
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and "e" in repr(value):
        mantissa, exponent = repr(value).split("e")
        return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent)}"
    return repr(value)


def _broken(element: Any, *, indent: int) -> str:
    """One element of a broken list; a tuple that is itself too long is filled line by line."""
    flat = _flat(element)
    if len(flat) <= _WIDTH - indent or not isinstance(element, tuple):
        return flat
    lines = [""]
    for part in map(_flat, element):
        if lines[-1] and len(lines[-1]) + len(part) + 2 > _WIDTH - indent:
            lines.append(part)
        else:
            lines[-1] = f"{lines[-1]}, {part}" if lines[-1] else part
    return "{" + (",\n" + " " * (indent + 1)).join(lines) + "}"
