"""How many bytes a value takes in Erlang's external term format: by this the real server measures payloads.

Its limits are `limit_kB * 1000 + 500` of these bytes (realtime-facts 5.1 and 11.18, recording p09b). A payload as
JSON text is smaller or larger by what its quotes, names and numbers take.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

_VERSION: Final = 1
_SMALL_INT, _INT, _FLOAT = 2, 5, 9
_BINARY_HEAD, _MAP_HEAD, _LIST_HEAD, _STRING_HEAD, _TUPLE_HEAD, _ATOM_HEAD, _BIG_HEAD = 5, 5, 5, 3, 2, 2, 3
_NIL: Final = 1
_LONGEST_STRING: Final = 65_535
_ATOMS: Final[Mapping[bool | None, int]] = {True: _ATOM_HEAD + 4, False: _ATOM_HEAD + 5, None: _ATOM_HEAD + 3}


def external_size(value: Any) -> int:
    """The size of a JSON value, or of bytes, with the leading version byte."""
    return _VERSION + _size(value)


def user_payload_size(event: str, payload: bytes, metadata: Any, *, is_json: bool) -> int:
    """The size of a binary push (kind 3), which is a tuple of event, encoding, bytes and metadata there."""
    encoding = _ATOM_HEAD + len("json" if is_json else "binary")
    return _VERSION + _TUPLE_HEAD + _text(event) + encoding + _size(payload) + _size(metadata)


def _size(value: Any) -> int:
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return _ATOMS[value]
    if isinstance(value, int):
        return _int(value)
    if isinstance(value, float):
        return _FLOAT
    if isinstance(value, bytes):
        return _BINARY_HEAD + len(value)
    if isinstance(value, Mapping):
        return _MAP_HEAD + sum(_text(key) + _size(each) for key, each in value.items())
    return _list(value)


def _text(text: str) -> int:
    return _BINARY_HEAD + len(text.encode())


def _int(number: int) -> int:
    if 0 <= number < 256:
        return _SMALL_INT
    if -(1 << 31) <= number < 1 << 31:
        return _INT
    return _BIG_HEAD + (abs(number).bit_length() + 7) // 8


def _list(values: Sequence[Any]) -> int:
    """A list ends in an empty list of one byte; one of bytes only is packed as text."""
    if not values:
        return _NIL
    if len(values) <= _LONGEST_STRING and all(type(each) is int and 0 <= each < 256 for each in values):
        return _STRING_HEAD + len(values)
    return _LIST_HEAD + sum(map(_size, values)) + _NIL
