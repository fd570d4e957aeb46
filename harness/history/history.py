"""A whole run as one immutable sequence of ops, with the few questions that checkers ask."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from harness.history.op import Op

Derived = TypeVar("Derived")
Asked = ParamSpec("Asked")


class History(Sequence[Op]):
    """Ops in the order of their index; every question returns a new, smaller history or plain data."""

    __slots__ = ("_by_f", "_derived", "_ops")

    def __init__(self, ops: Iterable[Op] = ()) -> None:
        self._ops = tuple(ops)
        self._by_f: dict[str, list[Op]] | None = None
        self._derived: dict[tuple[Any, ...], Any] = {}

    @overload
    def __getitem__(self, at: int) -> Op: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Op, ...]: ...
    def __getitem__(self, at: int | slice) -> Op | tuple[Op, ...]:
        return self._ops[at]

    def __iter__(self) -> Iterator[Op]:
        return iter(self._ops)

    def __len__(self) -> int:
        return len(self._ops)

    def __repr__(self) -> str:
        return f"History({len(self._ops)} ops)"

    def once(self, derive: Callable[..., Derived], *arguments: Hashable, **named: Hashable) -> Derived:
        """What `derive` makes of this history and the arguments, made once: many judges ask for the same.

        `derive` must be pure. The result is shared, and must not be changed.
        """
        key = (derive, arguments, tuple(sorted(named.items())))
        if key not in self._derived:
            self._derived[key] = derive(self, *arguments, **named)
        derived: Derived = self._derived[key]
        return derived

    def where(
        self, *, f: str | None = None, type: str | None = None, actor: str | None = None, **value: Any
    ) -> "History":
        """Ops with that `f`, `type`, `actor` and those entries in `value`; what is not given matches all."""
        ops: Iterable[Op] = self._ops if f is None else self._of(f)
        return History(
            op
            for op in ops
            if (type is None or op.type == type)
            and (actor is None or op.actor == actor)
            and all(op.value.get(key) == wanted for key, wanted in value.items())
        )

    def group_by(self, *keys: str) -> Mapping[tuple[Any, ...], tuple[Op, ...]]:
        """Ops by the values of `keys`: fields of the op (`actor`, `f`, `type`) or entries of its value."""
        groups: dict[tuple[Any, ...], list[Op]] = defaultdict(list)
        for op in self._ops:
            groups[tuple(_part(op, key) for key in keys)].append(op)
        return {key: tuple(ops) for key, ops in groups.items()}

    def _of(self, f: str) -> list[Op]:
        if self._by_f is None:
            index: dict[str, list[Op]] = defaultdict(list)
            for op in self._ops:
                index[op.f].append(op)
            self._by_f = dict(index)
        return self._by_f.get(f, [])


def _part(op: Op, key: str) -> Any:
    return getattr(op, key) if key in ("actor", "f", "type") else op.value.get(key)


def made_once(derive: Callable[Concatenate[History, Asked], Derived]) -> Callable[Concatenate[History, Asked], Derived]:
    """A pure function of a history whose result the history keeps, see `History.once`."""

    @wraps(derive)
    def asked(history: History, /, *arguments: Asked.args, **named: Asked.kwargs) -> Derived:
        return history.once(derive, *arguments, **named)  # type: ignore[arg-type]

    return asked
