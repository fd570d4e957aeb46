"""What a client says of its connection is true within two heartbeats, and a healthy socket is left alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.checkers.checker import Finding, Verdict
from harness.checkers.evidence import in_order
from harness.checkers.statement import LIVE, Statement, statements
from harness.history import History, Op
from harness.history.faults import FaultStretch, fault_stretches

_PROOFS: Final = frozenset({"open", "join", "ready", "receive"})
"""Ops of a reader that, when ok, are proof of a socket that stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Convicts a reader that says it is live though it cannot be, and one that closes a healthy socket.

    `untrue_live`: for longer than `beats` heartbeats and `tolerance_s` it said so while its socket was closed, while
    one of its channels was refused, closed, broken or not joined again on a new socket, or while a fault of those
    named in `dead` held on its link.
    Time in which its machine was `asleep` does not count: it could not act, and nobody looked.

    `false_close`: it gave up a socket for want of a heartbeat's answer though the socket was opened, or brought
    something, less than one heartbeat before. Excused by any fault on its link or machine meanwhile, but for those
    that are `momentary`. Unknown if nobody ever said that it was live.
    """

    beats: int = 2
    heartbeat_s: float = 25.0
    tolerance_s: float = 10.0
    dead: tuple[str, ...] = ("black_hole", "offline")
    asleep: tuple[str, ...] = ("laptop_sleeps", "tab_hidden")
    momentary: tuple[str, ...] = ("cut",)

    def check(self, history: History) -> Verdict:
        said = statements(history, status=LIVE)
        faults = fault_stretches(history)
        outages = {reader: list(_outages(ops)) for (reader,), ops in history.group_by("actor").items()}
        untrue = (self._untrue(one, outages.get(one.reader, ()), faults, history[-1].time) for one in said)
        findings = [
            *(finding for finding in untrue if finding is not None),
            *self._false_closes(history, faults),
        ]
        return Verdict.of(findings, looked_at=len(said))

    @property
    def limit_s(self) -> float:
        """For how long it may be wrong."""
        return self.beats * self.heartbeat_s + self.tolerance_s

    def _untrue(
        self, said: Statement, outages: Iterable["_Outage"], faults: Sequence[FaultStretch], end: float
    ) -> Finding | None:
        """The first reason for which what it said was untrue for too long, or nothing."""
        own = [fault for fault in faults if fault.concerns(said.reader)]
        dead = [_Outage(fault.fault, fault.begun, fault.ended) for fault in own if fault.fault in self.dead]
        asleep = [fault for fault in own if fault.fault in self.asleep]
        for outage in sorted((*outages, *dead), key=lambda one: one.begun.index):
            until = outage.ended.time if outage.ended is not None else end
            for start, stop in _awake(max(said.start, outage.begun.time), min(said.end, until), asleep):
                if stop - start > self.limit_s:
                    return Finding(
                        "untrue_live",
                        in_order(said.op, outage.begun, outage.ended),
                        {
                            "reader": said.reader,
                            "process_id": said.process_id,
                            "why": outage.why,
                            "topic": outage.topic,
                            "since": start,
                            "lasted_s": round(stop - start, 6),
                            "limit_s": self.limit_s,
                        },
                    )
        return None

    def _false_closes(self, history: History, faults: Sequence[FaultStretch]) -> Iterator[Finding]:
        heard: dict[str, Op] = {}
        opened: dict[str, float] = {}
        for op in history:
            if op.f in _PROOFS and op.type == "ok":
                heard[op.actor] = op
            if op.f == "open" and op.type == "ok":
                opened[op.actor] = op.time
            last = heard.get(op.actor)
            if last is None or not _gives_up(op) or op.time - last.time >= self.heartbeat_s:
                continue
            since = max(opened.get(op.actor, 0.0), op.time - self.limit_s)
            if not any(self._excuses(fault, op.actor, since, op.time) for fault in faults):
                yield Finding("false_close", (last, op), _close_detail(last, op))

    def _excuses(self, fault: FaultStretch, reader: str, since: float, until: float) -> bool:
        lasting = fault.fault not in self.momentary and fault.concerns(reader)
        return lasting and fault.start <= until and fault.end >= since


@dataclass(frozen=True, slots=True)
class _Outage:
    """Why a reader cannot be live, from when to when; `topic` where it is one channel's."""

    why: str
    begun: Op
    ended: Op | None
    topic: str = ""


def _outages(ops: Sequence[Op]) -> Iterator[_Outage]:
    """The stretches in which one reader had no socket, or had lost a channel. With a socket its channels are lost."""
    begun: dict[tuple[str, str], Op] = {}
    joined: set[str] = set()
    for op in ops:
        topic = str(op.value.get("topic", ""))
        if op.f in _PROOFS and op.type == "ok":
            joined |= {topic} if op.f in ("join", "ready") else set()
            for key in [key for key in begun if key[1] in ("", topic)]:
                yield _Outage(key[0], begun.pop(key), op, key[1])
        elif op.f == "close":
            for key in (("socket_closed", ""), *(("channel_lost", name) for name in sorted(joined))):
                begun.setdefault(key, op)
        elif op.type == "fail" and _loses_channel(op):
            begun.setdefault(("channel_lost", topic), op)
        elif op.f == "remount" or (op.f == "system" and op.value.get("extension") == "phoenix"):
            joined -= {topic} if topic else set(joined)  # left: the one, or all with the page that held them
    for (why, topic), op in begun.items():
        yield _Outage(why, op, None, topic)


def _loses_channel(op: Op) -> bool:
    """A join that was refused, a channel that ended unasked, and one that is joined but deaf."""
    return op.f == "join" or op.value.get("extension") in ("phoenix", "postgres_changes")


def _awake(start: float, stop: float, asleep: Sequence[FaultStretch]) -> Iterator[tuple[float, float]]:
    """The parts of a stretch in which the machine was awake."""
    for fault in sorted(asleep, key=lambda one: one.start):
        yield start, min(stop, fault.start)
        start = max(start, fault.end)
    yield start, stop


def _gives_up(op: Op) -> bool:
    return op.f == "close" and op.value.get("by") == "client" and "heartbeat" in str(op.value.get("reason", "")).lower()


def _close_detail(heard: Op, close: Op) -> Mapping[str, Any]:
    return {
        "reader": close.actor,
        "reason": close.value.get("reason"),
        "heard": heard.f,
        "heard_s_before": round(close.time - heard.time, 6),
    }
