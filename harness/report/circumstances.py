"""What else went on when something was found, and the words that all tellers share: beside `explain`."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from harness.checkers.checker import Finding
from harness.history import History
from harness.report.windows import Kind, Window, statuses, windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What else went on: the stories' names of processes, the windows of the run, what clients said, by reader."""

    processes: Mapping[str, str]
    windows: Sequence[Window]
    said: Mapping[str, Sequence[Window]]

    @classmethod
    def of(cls, history: History) -> Self:
        said: dict[str, list[Window]] = {}
        for window in statuses(history):
            said.setdefault(window.owner, []).append(window)
        started = history.where(f="start_process", type="ok")
        return cls(
            processes={str(op.value.get("process_id")): str(op.value.get("process")) for op in started},
            windows=windows(history),
            said=said,
        )

    def status(self, reader: str, time: float) -> str:
        """What the client of `reader` said of itself then, or nothing."""
        said = self.said.get(reader, ())
        place = bisect_right(said, time, key=lambda window: window.start) - 1
        return said[place].label if place >= 0 else ""

    def process(self, process_id: Any) -> str:
        """The story's name of a process, or else its id."""
        return self.processes.get(str(process_id), str(process_id))

    def around(self, reader: str, time: float) -> str:
        """A sentence on the faults and the outage at that time, or nothing."""
        held = [
            f"{_window_name(window)} ({window.start:.2f} to {window.end:.2f} s)"
            for window in self.windows
            if window.holds_at(time)
            and (window.kind is Kind.FAULT or (window.kind is Kind.OFFLINE and window.owner == reader))
        ]
        return f" At that time: {'; '.join(held)}." if held else ""


Teller = Callable[[Finding, Circumstances], str]
"""Says in one or a few sentences what a finding of its kind means."""


def event_words(told: Mapping[str, Any]) -> str:
    """An event by its sequence and type."""
    sequence = told.get("sequence")
    kind = told.get("event_type") or "event"
    return f"event {sequence} ({kind})" if sequence is not None else f"an event ({kind})"


def short(value: Any) -> str:
    """A value as text of 80 characters at most."""
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _window_name(window: Window) -> str:
    return f"the nemesis' {window.label}" if window.kind is Kind.FAULT else f"{window.owner} was {window.label}"
