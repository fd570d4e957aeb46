"""Every refusal reaches the application in time, and what is refused is not tried without bound."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harness.checkers.checker import Finding, Verdict
from harness.checkers.rate import busiest
from harness.checkers.statement import LIVE, Statement, statements
from harness.checkers.tokens import SERVER
from harness.history import History, Op
from harness.history.hops import APPLY, DELIVER

_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorsSurfaced:
    """Convicts a reader that was refused something and went on saying that it was live, and one that never rests.

    `not_surfaced`: `within` seconds after a failed op of those in `refusals` it had said nothing but live. A row that
    could not be understood is no finding if the reader announced a gap, or has applied the event all the same. Failed
    acts are not among them: who pressed the button was told, whatever the connection is.

    `retries_unbounded`: more than `attempts_per_minute` joins of one reader on one topic in a minute, as the server
    saw them, or else as the reader tells. The reference, refused for ever, makes 26 at most.

    Unknown if there was neither join nor refusal, or if the recording stops before a refusal had its time.
    """

    within: float = 10.0
    attempts_per_minute: int = 30
    refusals: tuple[str, ...] = ("join", "system", "fetch", "deliver")

    def check(self, history: History) -> Verdict:
        live: dict[str, list[Statement]] = {}
        for each in statements(history, status=LIVE):
            live.setdefault(each.reader, []).append(each)
        for each in _listening(history):
            live.setdefault(each.reader, []).append(each)
        refused = [op for op in history if op.type == "fail" and op.f in self.refusals and op.actor != SERVER]
        unheard = [(op, said) for op in refused if (said := self._unheard(op, live.get(op.actor, ()), history))]
        attempts = _attempts(history)
        findings = [
            *(self._not_surfaced(op, said) for op, said in unheard if said.end >= op.time + self.within),
            *self._unbounded(attempts),
        ]
        if unheard and not findings:
            return Verdict.unknown(f"the recording stops before {len(unheard)} refusals had their time to be told")
        return Verdict.of(findings, looked_at=len(refused) + sum(map(len, attempts.values())))

    def _unheard(self, op: Op, live: Sequence[Statement], history: History) -> Statement | None:
        """The statement by which the reader went on as if nothing had happened, so far."""
        said = next((one for one in live if one.op.index < op.index and self._goes_on(one, op)), None)
        return None if op.f == DELIVER and self._is_made_up_for(op, history) else said

    def _goes_on(self, said: Statement, op: Op) -> bool:
        return said.until is None or said.end > op.time + self.within

    def _is_made_up_for(self, op: Op, history: History) -> bool:
        applied = history.where(f=APPLY, actor=op.actor, event_id=op.value.get("event_id"))
        gaps = (*history.where(f="gap", actor=op.actor), *history.where(f="gap_permanent", actor=op.actor))
        told = [gap for gap in gaps if op.time <= gap.time <= op.time + self.within]
        return bool(applied and applied[0].time <= op.time + self.within) or bool(told)

    def _not_surfaced(self, op: Op, said: Statement) -> Finding:
        detail = {
            "reader": op.actor,
            "process_id": said.process_id,
            "refused": op.f,
            "topic": op.value.get("topic"),
            "error": op.error,
            "within_s": self.within,
        }
        return Finding("not_surfaced", (said.op, op), detail)

    def _unbounded(self, attempts: Mapping[tuple[str, str], Sequence[Op]]) -> Iterator[Finding]:
        for (who, topic), ops in attempts.items():
            crowd = busiest(ops, _MINUTE_S)
            if len(crowd) > self.attempts_per_minute:
                detail = {
                    "reader": who,
                    "topic": topic,
                    "attempts": len(crowd),
                    "allowed": self.attempts_per_minute,
                    "error": next((op.error for op in reversed(crowd) if op.error), None),
                }
                yield Finding("retries_unbounded", (crowd[0], crowd[-1]), detail)


def _listening(history: History) -> Sequence[Statement]:
    """A client that just listens believes the reply to a join, until the next close; it looks at nothing else."""
    names = {op.actor for op in history.where(f="listen")}
    end = history[-1].time if len(history) else 0.0
    joined = [op for op in history.where(f="join", type="ok") if op.actor in names]
    closed = [op for op in history.where(f="close") if op.actor in names]
    return [_believed(op, closed, end) for op in joined]


def _believed(join: Op, closed: Sequence[Op], end: float) -> Statement:
    close = next((op for op in closed if op.actor == join.actor and op.index > join.index), None)
    until = close.time if close is not None else end
    return Statement(reader=join.actor, process_id="", status=LIVE, op=join, until=close, end=until)


def _attempts(history: History) -> Mapping[tuple[str, str], Sequence[Op]]:
    """(reader, topic) → its joins: those that the server saw of its link, or else those that it tells of."""
    seen: dict[tuple[str, str], list[Op]] = {}
    told: dict[tuple[str, str], list[Op]] = {}
    for op in history.where(f="join"):
        topic = str(op.value.get("topic", "")).removeprefix("realtime:")
        if op.actor == SERVER:
            seen.setdefault((str(op.value.get("link", "")), topic), []).append(op)
        elif op.type != "invoke":
            told.setdefault((op.actor, topic), []).append(op)
    return {**told, **seen}
