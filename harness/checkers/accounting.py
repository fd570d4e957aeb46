"""Nothing is lost in silence: whatever is missing, somebody was told (contract 5 and 6)."""

from dataclasses import dataclass

from harness.checkers.checker import Finding, Verdict
from harness.history import History
from harness.history.accounting import DEADLINE_S, SILENT, Accounts, Entry, account


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """Convicts events that a subscriber is owed and that were lost, or never published, without a word.

    More than `silent_loss` of them are too many. `deadline_s` is the time in which an event must be applied; it
    decides what a recording that was stopped early can be blamed for. Unknown if the sums are not right, if a
    recording stopped before the missing events were due, or if nobody was owed anything.
    """

    silent_loss: int = 0
    deadline_s: float = DEADLINE_S

    def check(self, history: History) -> Verdict:
        accounts = account(history, deadline_s=self.deadline_s)
        if not accounts.balanced:
            return Verdict.unknown(_unbalanced(accounts))
        silent = [entry for entry in accounts.entries if entry.bin in SILENT]
        certain = [entry for entry in silent if not entry.undecided]
        if len(certain) > self.silent_loss:
            return Verdict.of((_finding(accounts, entry) for entry in certain), looked_at=len(accounts.entries))
        if len(silent) > self.silent_loss:
            return Verdict.unknown(f"the recording stops before {len(silent)} missing events were due")
        return Verdict.of((), looked_at=len(accounts.entries))


def _finding(accounts: Accounts, entry: Entry) -> Finding:
    last, following = accounts.stretch(entry)
    return Finding(
        entry.bin.value,
        entry.ops,
        {
            "reader": entry.reader,
            "process_id": entry.process_id,
            "event_id": entry.event_id,
            "event_type": entry.event_type,
            "sequence": entry.sequence,
            "last_hop": last,
            "next_hop": following,
        },
    )


def _unbalanced(accounts: Accounts) -> str:
    first = accounts.unexplained[0]
    return (
        f"the sums are not right: {len(accounts.unexplained)} ops tell of events that were not emitted, or emitted "
        f"twice, the first is op {first.index} ({first.f} of event {first.value.get('event_id')})"
    )
