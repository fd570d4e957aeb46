"""One thing that somebody did: the row of every history."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Type = Literal["invoke", "ok", "fail", "info"]
"""As in Jepsen: begun, happened, did not happen, may or may not have happened."""


class Value(Mapping[str, Any]):
    """What an op carries, read-only: `value["sequence"]` and `value.sequence` are the same.

    A missing key is `KeyError` by item and `AttributeError` by attribute; use `get` where it may be absent.
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        self._items: Final[dict[str, Any]] = {**(items or {}), **more}

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __getattr__(self, name: str) -> Any:
        try:
            return self._items[name]
        except KeyError:
            raise AttributeError(f"this op carries no {name!r}, only {sorted(self._items)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: str, default: Any = None) -> Any:
        return self._items.get(key, default)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and self._items == dict(other)

    def __hash__(self) -> int:
        return hash(tuple(sorted(self._items)))

    def __repr__(self) -> str:
        return f"Value({self._items!r})"

    def __reduce__(self) -> tuple[type["Value"], tuple[dict[str, Any]]]:
        return Value, (self._items,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """`actor` did `f` at `time` (seconds from the start of the run); `index` is its place in the history."""

    index: int
    time: float
    actor: str
    f: str
    type: Type
    value: Value
    error: str | None = None
