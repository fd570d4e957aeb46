"""Puts a checker itself on trial: it must convict a planted bug and acquit the same run without it.

The report prints this beside each verdict, so that nobody need take a judge on trust. `trials` has the cases.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from harness.checkers.checker import Checker, Valid, judge
from harness.history import History, Op, Value
from harness.history.op import Type

READER: Final = "reader"
PROCESS: Final = "process"
OWNER: Final = "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One small run in two versions: `common` and `wrong`, which is the bug, or `common` and `right`, which is clean.

    `bug` says in words what the run has or has not. All ops carry their time; the order of writing is that of
    ops of the same time. `says` is how the checker convicts: a load that was not offered on time makes a run unknown.
    """

    bug: str
    common: tuple[Op, ...] = ()
    wrong: tuple[Op, ...] = ()
    right: tuple[Op, ...] = ()
    says: Valid = Valid.NO

    @property
    def guilty(self) -> History:
        return _run(self.common + self.wrong)

    @property
    def innocent(self) -> History:
        return _run(self.common + self.right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a checker said of its case. One that does both as it should has passed."""

    bug: str
    convicted: bool
    acquitted: bool

    @property
    def passed(self) -> bool:
        return self.convicted and self.acquitted


def try_out(name: str, checker: Checker, case: Case) -> Trial:
    """Put a checker on trial. To crash, or to find nothing to look at, is neither to convict nor to acquit."""
    valid = [judge({name: checker}, run)[name].valid for run in (case.guilty, case.innocent)]
    return Trial(bug=case.bug, convicted=valid[0] is case.says, acquitted=valid[1] is Valid.YES)


def _run(ops: tuple[Op, ...]) -> History:
    return History(replace(op, index=index) for index, op in enumerate(sorted(ops, key=lambda op: op.time)))


# What cases are made of ----------------------------------------------------------------------------------------------


def an_op(at: float, actor: str, f: str, value: Mapping[str, Any] | None = None, *, type: Type = "ok") -> Op:
    """An op without its index, which it gets in the run."""
    return Op(index=-1, time=at, actor=actor, f=f, type=type, value=Value(value))


def watched(*readers: str) -> tuple[Op, ...]:
    """A process, and browsers of its owner that show it."""
    who = {"process_id": PROCESS, "user": OWNER, "user_id": OWNER, "role": "authenticated", "client": "native"}
    started = {"process": "article", "process_id": PROCESS, "owner": OWNER, "owner_id": OWNER}
    return (
        an_op(0.0, "story", "start_process", started),
        *(an_op(0.1, reader, "subscribe", who) for reader in readers or (READER,)),
    )


def keys(sequence: int, event_type: str = "step_update") -> dict[str, Any]:
    """What ops tell of an event."""
    return {
        "process_id": PROCESS,
        "event_id": f"event-{sequence}",
        "event_type": event_type,
        "sequence": sequence,
    }


def published(at: float, sequence: int, event_type: str = "step_update", **more: Any) -> tuple[Op, ...]:
    """An event that is emitted, inserted and committed at once; `more` is what its emit tells beside."""
    told = {key: item for key, item in keys(sequence, event_type).items() if key != "sequence"}
    said = {**told, "intent": sequence, "delivery_class": "transition", "content": f"content {sequence}", **more}
    row = {"table": "process_events", "action": "INSERT", **keys(sequence, event_type)}
    return (
        an_op(at, "app", "emit", said),
        an_op(at, "app", "insert", {**told, "attempt": 1, "sequence": sequence}),
        an_op(at, "witness", "commit", {**row, "lsn": f"0/{sequence}", "at": at}),
    )


def applied(at: float, sequence: int, event_type: str = "step_update", **other: Any) -> Op:
    """The reader applies the event as it was emitted, live, unless `other` says otherwise."""
    value = {**keys(sequence, event_type), "cursor": sequence, "via": "live", "content": f"content {sequence}"}
    return an_op(at, READER, "apply", {**value, **other})


def says(at: float, status: str) -> Op:
    """The reader says of itself that it is so."""
    return an_op(at, READER, "status", {"process_id": PROCESS, "status": status})
