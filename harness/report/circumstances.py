"""What else went on when something was found, and the words that all tellers share: beside `explain`."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from harness.checkers.checker import Finding
from harness.history import History, Op
from harness.history.belief import beliefs
from harness.history.faults import EVERYBODY
from harness.history.hops import DEBOUNCE
from harness.report.windows import Kind, Window, statuses, windows
from harness.report.words import STEPS_OF_THE_LINE, listed

SHORTLY_S: Final = 10.0
"""What a fault did to a channel shows for a while after it: a join that waits, a slot that is made again."""

Moment = tuple[str, float]
"""A reader and a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What else went on: the stories' names of processes, the windows of the run, what clients said, by reader.

    `last_said` is by reader and process: what its client said of itself when it showed its view, or at the end.
    `joined` are the joins of each link as the server took them, `signed_in` when each reader's session was loaded.
    """

    processes: Mapping[str, str]
    windows: Sequence[Window]
    said: Mapping[str, Sequence[Window]]
    last_said: Mapping[tuple[str, str], str] = field(default_factory=dict)
    joined: Mapping[str, Sequence[Op]] = field(default_factory=dict)
    signed_in: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, history: History) -> Self:
        said: dict[str, list[Window]] = {}
        for window in statuses(history):
            said.setdefault(window.owner, []).append(window)
        started = history.where(f="start_process", type="ok")
        taken = history.where(f="join", type="ok", actor="realtime")
        return cls(
            processes={str(op.value.get("process_id")): str(op.value.get("process")) for op in started},
            windows=windows(history),
            said=said,
            last_said={key: belief.status for key, belief in beliefs(history).items()},
            joined={str(link): ops for (link,), ops in taken.group_by("link").items()},
            signed_in={op.actor: op.time for op in reversed(history.where(f="sign_in"))},
        )

    def status(self, reader: str, time: float) -> str:
        """What the client of `reader` said of itself then, or nothing."""
        said = self.said.get(reader, ())
        place = bisect_right(said, time, key=lambda window: window.start) - 1
        return _words(said[place].label) if place >= 0 else ""

    def process(self, process_id: Any) -> str:
        """The story's name of a process, or else its id."""
        return self.processes.get(str(process_id), str(process_id))

    def held(self, reader: str, time: float) -> Sequence[Window]:
        """The faults that concern `reader` and held then, and its outage if it was offline."""
        kinds = (Kind.FAULT, Kind.OFFLINE)
        return [one for one in self.windows if one.kind in kinds and one.holds_at(time) and one.concerns(reader)]

    def around(self, *moments: Moment) -> str:
        """A sentence on the faults and outages of those moments, or else on the last fault before them, or nothing."""
        held = list(dict.fromkeys(window for moment in moments for window in self.held(*moment)))
        told = [_fault(window) for window in held if window.kind is Kind.FAULT]
        outages = [window for window in held if window.kind is Kind.OFFLINE]
        if outages:
            told.append(_offline(outages))
        if told:
            return f" At that time: {'; '.join(told)}."
        reader, time = min(moments, key=lambda moment: moment[1])
        before = [one for one in self.windows if one.kind is Kind.FAULT and one.end < time and one.concerns(reader)]
        last = max(before, key=lambda window: window.end, default=None)
        return f" Shortly before: {_fault(last)}." if last is not None and time - last.end <= SHORTLY_S else ""

    def believed(self, *moments: Moment, process_id: Any = None, more: str = "") -> str:
        """A sentence on what the clients said of themselves then, and at the end if that was something else."""
        then = list(dict.fromkeys(said for moment in moments if (said := self.status(*moment))))
        if not then:
            return ""
        last = {self.last_said.get((reader, str(process_id)), "") for reader, _ in moments} - {""}
        end = " or ".join(f'"{_words(said)}"' for said in sorted(last))
        said = " and then ".join(f'"{status}"' for status in then)
        return f" The client said {said}{f' then and {end} at the end' if end and end != said else ''}{more}."

    def rights(self, reader: str, time: float) -> str:
        """A sentence on the role with which `reader` had joined by then, if it was not a user's, or nothing."""
        before = [op for op in self.joined.get(reader, ()) if op.time <= time]
        if not before or before[-1].value.get("role") == "authenticated":
            return ""
        told = f"It had joined as {before[-1].value.get('role')} at {before[-1].time:.3f} s"
        loaded = self.signed_in.get(reader)
        return f" {told}{'' if loaded is None else f'; the session of its user was loaded at {loaded:.3f} s'}."


Teller = Callable[[Finding, Circumstances], str]
"""Says in one or a few sentences what a finding of its kind means."""


def event_words(told: Mapping[str, Any]) -> str:
    """An event by its sequence and type."""
    sequence = told.get("sequence")
    kind = told.get("event_type") or "event"
    return f"event {sequence} ({kind})" if sequence is not None else f"an event ({kind})"


def hop_words(hop: str) -> str:
    """A hop and what happens there."""
    return f"{hop} ({STEPS_OF_THE_LINE[hop]})" if hop in STEPS_OF_THE_LINE else hop


def debounced(findings: Sequence[Finding], them: str) -> str:
    """A sentence on what a debouncer did to events that were all seen last there, or nothing."""
    outcomes = {str(one.ops[-1].value.get("outcome")) if one.ops[-1].f == DEBOUNCE else "" for one in findings}
    if not outcomes <= _DEBOUNCED.keys():
        return ""
    classes = sorted({str(one.ops[0].value.get("delivery_class")) for one in findings})
    did = listed([_DEBOUNCED[outcome].format(them=them) for outcome in sorted(outcomes)])
    return f" The debouncer {did}, which no policy declares for the class {listed(classes)}."


_DEBOUNCED: Final = {"replaced": "published a later event in place of {them}", "merged": "merged {them} into another"}


def short(value: Any) -> str:
    """A value as text of 80 characters at most."""
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _fault(window: Window) -> str:
    on = f" on {'all readers' if window.where == EVERYBODY else window.where}" if window.where else ""
    return f"the fault {window.name} held{on} from {window.start:.2f} to {window.end:.2f} s"


def _offline(outages: Sequence[Window]) -> str:
    readers = list(dict.fromkeys(window.owner for window in outages))
    start, end = min(window.start for window in outages), max(window.end for window in outages)
    return f"{listed(readers)} {'were' if readers[1:] else 'was'} offline from {start:.2f} to {end:.2f} s"


def _words(name: str) -> str:
    return name.replace("_", " ")
