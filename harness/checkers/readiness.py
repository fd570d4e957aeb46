"""Nothing is lost between the join reply, which clients call SUBSCRIBED, and ready."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from harness.checkers.checker import Finding, Verdict
from harness.checkers.evidence import in_order
from harness.checkers.reader_life import Owed, ends, owed, was_due, watched_until
from harness.checkers.statement import LIVE
from harness.history import History, Op
from harness.history.belief import Belief
from harness.history.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Convicts a reader that never applied an event which was committed while it was joined and not ready.

    A client that says it is live and never becomes ready believes the join reply: then all counts that was committed
    while it said so. No loss is what the reader says is missing, nor what it had less than `within` seconds for: after
    ready, or after the commit if there was none. Unknown if nothing was committed in such a window.
    """

    within: float = 5.0

    def check(self, history: History) -> Verdict:
        facts, windows = Facts.of(history), _windows(history)
        looked_at = 0
        findings = []
        for key, end in ends(history).items():
            if key not in facts.subscribers:
                continue
            belief = facts.beliefs.get(key, Belief())
            for event, window in _inside(owed(facts, key, self.within), windows.get(key[0], ())):
                looked_at += 1
                lost = event.applied is None and not belief.tells_of(event.sequence)
                start = event.at if window.ready is None else window.end
                if lost and was_due(facts, start, watched_until(facts, end), self.within):
                    findings.append(_finding(event, key[0], window))
        return Verdict.of(findings, looked_at=looked_at)


@dataclass(frozen=True, slots=True)
class _Window:
    """From the join's answer to `ready`, or, without one, while the reader said that it was live all the same."""

    join: Op
    start: float
    end: float
    ready: Op | None = None


def _inside(events: Sequence[Owed], windows: Sequence[_Window]) -> Iterator[tuple[Owed, _Window]]:
    for event in events:
        # A reader fetches when its last channel is ready.
        around = [window for window in windows if window.start <= event.at <= window.end]
        if around:
            yield event, max(around, key=lambda window: window.end)


@dataclass(slots=True)
class _Line:
    """The topics of one reader that are joined and not ready, and since when it says that it is live."""

    joined: dict[str, Op] = field(default_factory=dict)
    live_since: float | None = None
    found: list[_Window] = field(default_factory=list)

    def take(self, op: Op) -> None:
        topic = op.value.get("topic", "")
        if op.f == "join" and op.type == "ok":
            self._believed_until(op.time, topic)
            self.joined[topic] = op
        elif op.f == "ready" and topic in self.joined:
            join = self.joined.pop(topic)
            self.found.append(_Window(join, join.time, op.time, op))
        elif op.f == "close":
            self._all_believed_until(op.time)
            self.joined.clear()
        elif op.f == "status":
            live = op.value.get("status") == LIVE
            if not live:
                self._all_believed_until(op.time)
            self.live_since = (self.live_since if self.live_since is not None else op.time) if live else None

    def finish(self) -> Sequence[_Window]:
        self._all_believed_until(inf)
        return self.found

    def _all_believed_until(self, end: float) -> None:
        for topic in tuple(self.joined):
            self._believed_until(end, topic)

    def _believed_until(self, end: float, topic: str) -> None:
        """A topic that never got ready, and all the same the reader was live."""
        join = self.joined.get(topic)
        if join is not None and self.live_since is not None:
            self.found.append(_Window(join, max(join.time, self.live_since), end))


def _windows(history: History) -> Mapping[str, Sequence[_Window]]:
    """By reader. Joins of the server's own history are not among them: their actor is no reader."""
    lines: dict[str, _Line] = {}
    for op in history:
        if op.f in ("join", "ready", "close", "status"):
            lines.setdefault(op.actor, _Line()).take(op)
    return {reader: line.finish() for reader, line in lines.items()}


def _finding(event: Owed, reader: str, window: _Window) -> Finding:
    detail = {
        **event.detail(reader),
        "topic": window.join.value.get("topic"),
        "joined_at": window.join.time,
        "committed_at": event.at,
        "ready_at": None if window.ready is None else window.ready.time,
    }
    return Finding("lost_before_ready", in_order(window.join, event.commit, window.ready), detail)
