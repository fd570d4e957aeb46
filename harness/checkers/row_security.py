"""Row security holds on every way to a reader: nothing forbidden comes, nothing owed is withheld."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.checkers.checker import Finding, Verdict
from harness.history import History, Op
from harness.history.accounting import Bin, account
from harness.history.audience import SERVICE_ROLE, audience

_PROCESSES: Final = "generated_articles_state"
"""The table that has one row a process, whose id is the process's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSecurity:
    """Convicts a row, live or fetched, that reaches a reader without a right to it, and one that is withheld.

    Rows of both tables count, deleted ones too; a client that just listens is judged like a reader. A withheld event
    that the reader got by the fetch is no finding: it has it.
    """

    def check(self, history: History) -> Verdict:
        withheld = [entry for entry in account(history).entries if entry.bin is Bin.WITHHELD]
        findings = [
            *_forbidden(history),
            *_forbidden_to_listeners(history),
            *(
                Finding("withheld", entry.ops, {"reader": entry.reader, "event_id": entry.event_id})
                for entry in withheld
            ),
        ]
        return Verdict.of(findings, looked_at=len(history.where(f="receive")) + len(history.where(f="deliver")))


def _forbidden(history: History) -> Iterator[Finding]:
    barred = {key for key, subscriber in audience(history).items() if not subscriber.entitled}
    for f in ("receive", "deliver", "snapshot"):
        for op in history.where(f=f):
            if (op.actor, op.value.get("process_id")) in barred:
                detail = {"reader": op.actor, "process_id": op.value.get("process_id"), "how": f}
                yield Finding("forbidden", (op,), detail)


def _forbidden_to_listeners(history: History) -> Iterator[Finding]:
    owners = {
        op.value.get("process_id"): op.value.get("owner_id") for op in history.where(f="start_process", type="ok")
    }
    processes = {op.value.get("event_id"): op.value.get("process_id") for op in history.where(f="commit", type="ok")}
    listeners = {
        op.actor: op.value.get("user_id") for op in history.where(f="listen") if op.value.get("role") != SERVICE_ROLE
    }
    for op in history.where(f="receive"):
        process_id = op.value.get("process_id") or _deleted_from(op, processes)
        if op.actor in listeners and process_id in owners and owners[process_id] != listeners[op.actor]:
            yield Finding("forbidden", (op,), {"reader": op.actor, "process_id": process_id, "how": "receive"})


def _deleted_from(op: Op, processes: Mapping[Any, Any]) -> Any:
    """The process of a row of which only the key came: an event's, or the process's own row, whose key it is."""
    key = (op.value.get("old_record") or {}).get("id")
    return key if op.value.get("table") == _PROCESSES else processes.get(key)
