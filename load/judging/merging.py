"""The histories of a run's processes → one history, in the order of time.

Each process writes its own part; their times count from one zero. Ops of one part stay in their order. What is counted
is counted of the merged history: its percentiles are those of all samples together, never a mean of percentiles.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from harness.history import History, Op
from harness.history.store import FILE, HistoryWriter, read

Part = Sequence[Op]


def merged(parts: Sequence[Part]) -> History:
    """All ops by time, with indices of their own; at the same time those of the earlier part come first.

    Where several parts say that their side has come to rest, the run has when the last of them has.
    """
    early = _early_rests(parts)
    told = (op for part in parts for op in part if id(op) not in early)
    ops = sorted(told, key=attrgetter("time"))
    return History(replace(op, index=index) for index, op in enumerate(ops))


def merge_files(parts: Sequence[Path], folder: Path, header: Mapping[str, Any]) -> History:
    """Read the parts, write the whole history into `folder`, and return it; raises `HistoryError`."""
    history = merged([read(part)[1] for part in parts])
    with HistoryWriter(folder / FILE, header) as writer:
        for op in history:
            writer(op)
    return history


def _early_rests(parts: Sequence[Part]) -> frozenset[int]:
    """Identities of the ops that say that one part is at rest when another is not yet, generation by generation."""
    rests = [rests for part in parts if (rests := list(filter(_is_rest, part)))]
    rounds = max(map(len, rests), default=0)
    return frozenset(
        id(op)
        for number in range(rounds)
        for op in _all_but_last([each[number] for each in rests if number < len(each)])
    )


def _is_rest(op: Op) -> bool:
    return op.f == "settle" and op.type != "invoke" and op.error is None


def _all_but_last(rests: Sequence[Op]) -> Iterable[Op]:
    last = max(rests, key=attrgetter("time"))
    return (op for op in rests if op is not last)
