"""Row security holds on every way to a reader: nothing forbidden comes, nothing owed is withheld."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.checkers.checker import Finding, Verdict
from harness.history import History
from harness.history.accounting import Bin, account
from harness.history.audience import audience


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSecurity:
    """Convicts a row, live or fetched, that reaches a reader without a right to it, and one that is withheld.

    Rows of both tables count. A withheld event that the reader got by the fetch is no finding: it has it.
    """

    def check(self, history: History) -> Verdict:
        withheld = [entry for entry in account(history).entries if entry.bin is Bin.WITHHELD]
        findings = [
            *_forbidden(history),
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
