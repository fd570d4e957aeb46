"""What all planted bugs are made of: a mutant, and the small changes of a history that most of them need."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from harness.checkers import Valid
from harness.history import History, Op
from harness.history.op import Value

READER = "reader-2"


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """`bug` in words, who must convict it, and what becomes of the history.

    `also`: who else rightly does, where that is known: then nobody but these may. `says` is how this one convicts:
    a load that was not offered on time makes a run unknown.
    """

    bug: str
    convicted_by: str
    change: Callable[[History], History]
    also: frozenset[str] | None = None
    says: Valid = Valid.NO


def numbered(ops: Iterable[Op]) -> History:
    return History(replace(op, index=index) for index, op in enumerate(ops))


def with_value(op: Op, **value: Any) -> Op:
    return replace(op, value=Value({**op.value, **value}))


def is_at_reader(op: Op, *fs: str) -> bool:
    return op.actor == READER and op.f in fs
