"""The histories of a run's processes → one history, in the order of time.

Each process writes its own part; their times count from one zero. Ops of one part stay in their order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from harness.history import History, Op
from harness.history.store import FILE, HistoryWriter, read

Part = Sequence[Op]


def merged(parts: Sequence[Part]) -> History:
    """All ops by time, with indices of their own; at the same time those of the earlier part come first."""
    ops = sorted((op for part in parts for op in part), key=attrgetter("time"))
    return History(replace(op, index=index) for index, op in enumerate(ops))


def merge_files(parts: Sequence[Path], folder: Path, header: Mapping[str, Any]) -> History:
    """Read the parts, write the whole history into `folder`, and return it; raises `HistoryError`."""
    history = merged([read(part)[1] for part in parts])
    with HistoryWriter(folder / FILE, header) as writer:
        for op in history:
            writer(op)
    return history
