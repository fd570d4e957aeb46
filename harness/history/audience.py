"""Who is owed the events of a process: the subscribers, by what the history says of owners and roles."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.history.history import History, made_once
from harness.history.op import Op

SERVICE_ROLE = "service_role"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """One reader on one process. `left_at` is None while it is still there; times are seconds of the run.

    `entitled`: the reader's user owns the process, or its role sees everything. Where the history does not name
    the owner (a stack that somebody else writes to), every subscriber is taken as entitled.
    """

    reader: str
    process_id: str
    entitled: bool
    since: float
    left_at: float | None = None

    @property
    def present(self) -> bool:
        """Whether it is entitled and still there: what it shows can be held against the tables."""
        return self.entitled and self.left_at is None


@made_once
def audience(history: History) -> Mapping[tuple[str, str], Subscriber]:
    """(reader, process_id) → subscriber. A reader that left and subscribed again has not left."""
    owners = {
        op.value.get("process_id"): op.value.get("owner_id") for op in history.where(f="start_process", type="ok")
    }
    joined = {_key(op): op for op in history.where(f="subscribe", type="ok")}
    first = {_key(op): op.time for op in reversed(history.where(f="subscribe", type="ok"))}
    left = {_key(op): op for op in history.where(f="leave", type="ok")}
    return {
        key: Subscriber(
            reader=key[0],
            process_id=key[1],
            entitled=_entitled(op, owners.get(key[1])),
            since=first[key],
            left_at=left[key].time if key in left and left[key].index > op.index else None,
        )
        for key, op in joined.items()
    }


def _key(op: Op) -> tuple[str, str]:
    return op.actor, op.value.get("process_id", "")


def _entitled(subscribe: Op, owner_id: str | None) -> bool:
    return owner_id is None or subscribe.value.get("role") == SERVICE_ROLE or subscribe.value.get("user_id") == owner_id
