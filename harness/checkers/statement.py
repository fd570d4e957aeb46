"""What each reader said of its connection, from each status to its next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.history import History, Op
from harness.history.history import made_once

LIVE: Final = "live"
"""The one status by which a reader says that whatever happens now comes to it at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """`reader` said `status` of a process from `op` to `until`: another status, or its last word (view or leave).

    Without `until` it said so to the end of the recording (`end`): that may have been cut short.
    """

    reader: str
    process_id: str
    status: str
    op: Op
    until: Op | None
    end: float

    @property
    def start(self) -> float:
        return self.op.time


@made_once
def statements(history: History, *, status: str | None = None) -> Sequence[Statement]:
    """All of a run, by their beginnings, or those of one status. A status that is told again goes on.

    What a reader says after its last word, while it closes, does not count until it subscribes again.
    """
    last = history[-1].time if len(history) else 0.0
    found: list[Statement] = []
    said: dict[tuple[str, str], Op] = {}
    silent: set[tuple[str, str]] = set()
    for op in history:
        key = (op.actor, str(op.value.get("process_id", "")))
        if op.f == "subscribe":
            silent.discard(key)
        elif op.f in ("view", "leave"):
            silent.add(key)
            _end(found, said, key, op)
        elif op.f == "status" and key not in silent and not _goes_on(said.get(key), op):
            _end(found, said, key, op)
            said[key] = op
    found += [_statement(key, op, None, last) for key, op in said.items()]
    wanted = (one for one in found if status in (None, one.status))
    return sorted(wanted, key=lambda one: one.op.index)


def _goes_on(said: Op | None, op: Op) -> bool:
    return said is not None and said.value.get("status") == op.value.get("status")


def _end(found: list[Statement], said: dict[tuple[str, str], Op], key: tuple[str, str], until: Op) -> None:
    op = said.pop(key, None)
    if op is not None:
        found.append(_statement(key, op, until, until.time))


def _statement(key: tuple[str, str], op: Op, until: Op | None, end: float) -> Statement:
    return Statement(
        reader=key[0], process_id=key[1], status=str(op.value.get("status", "")), op=op, until=until, end=end
    )
