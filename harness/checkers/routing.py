"""Each change reaches the handlers whose filter it meets, and no other."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from harness.checkers.checker import Finding, Verdict
from harness.checkers.reader_life import ends, was_due, watched_until
from harness.checkers.row_filter import Met, meets
from harness.history import History, Op
from harness.history.facts import Facts, moment
from harness.history.hops import COMMIT, DELIVER, RECEIVE, SEND
from harness.history.journey import tells_of_event

EVENTS: Final = "process_events"
TABLES: Final[Mapping[str, str]] = {EVENTS: EVENTS, "process_state": "generated_articles_state"}
"""What a topic of a reader begins with → the table whose rows it is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Convicts a change that reaches a handler it does not belong to, or does not reach one it belongs to.

    Of a client that listens: `misrouted` to a handler whose event, table or filter it does not meet; `not_handed` to
    one that it meets, though the client has it; `never_came`, though it meets a handler and others with the same
    rights got it. Of a reader: `wrong_topic`, a row of another process or table than the topic is for;
    `lost_at_callback`, received by who has a right to it and never delivered; `not_taken`, sent on its socket, which
    stayed open and undisturbed, and taken by no channel. `within` is how many seconds a change may take. What a
    filter says of a column that did not come is not judged. Unknown if nothing was received.
    """

    within: float = 5.0

    def check(self, history: History) -> Verdict:
        facts = Facts.of(history)
        listeners = _listeners(history)
        received = history.where(f=RECEIVE, type="ok")
        findings = [
            *(found for listener in listeners.values() for found in listener.astray()),
            *_never_came(listeners, _commits(history), facts.end, self.within),
            *_at_readers(received, listeners, history, facts, self.within),
            *_not_taken(history, facts, self.within),
        ]
        return Verdict.of(sorted(findings, key=lambda finding: finding.ops[-1].index), looked_at=len(received))


@dataclass(slots=True, kw_only=True)
class _Listener:
    """A client of the story that just listens. `ready` is None until its channel is; `rows` learns what rows hold."""

    listen: Op
    rows: Mapping[str, Mapping[str, Any]]
    ready: Op | None = None
    closed: Op | None = None
    received: list[Op] = field(default_factory=list)

    @property
    def bindings(self) -> Sequence[Mapping[str, str]]:
        bindings: Sequence[Mapping[str, str]] = self.listen.value.bindings
        return bindings

    @property
    def rights(self) -> tuple[Any, Any]:
        return self.listen.value.get("user_id"), self.listen.value.get("role")

    def meets(self, place: int, change: Op) -> Met:
        """Whether the change belongs to the handler at that place."""
        binding, table, action = self.bindings[place], change.value.get("table"), change.value.get("action")
        if binding.get("event", "*").upper() not in ("*", action) or binding.get("table", "*") not in ("*", table):
            return False
        return meets(binding.get("filter") or "", _row(change, self.rows))

    def astray(self) -> Iterator[Finding]:
        for change in self.received:
            # A client that hides which handlers it calls is not judged by them.
            for place in change.value.get("handlers") or ():
                if self.meets(place, change) is False:
                    yield _handler_finding("misrouted", self, place, change)
        handed: dict[str, set[int]] = {}
        for change in self.received:
            handed.setdefault(_identity(change), set()).update(change.value.get("handlers") or ())
        for change in {_identity(change): change for change in reversed(self.received)}.values():
            places = handed[_identity(change)]
            for place in range(len(self.bindings)) if places else ():
                if place not in places and self.meets(place, change):
                    yield _handler_finding("not_handed", self, place, change)

    def wants(self, change: Op) -> int | None:
        """The first handler that the change surely belongs to."""
        return next((place for place in range(len(self.bindings)) if self.meets(place, change)), None)


def _listeners(history: History) -> Mapping[str, _Listener]:
    rows = {op.value.event_id: _columns(op) for op in history.where(f=COMMIT, type="ok") if tells_of_event(op)}
    found = {op.actor: _Listener(listen=op, rows=rows) for op in history.where(f="listen", type="ok")}
    for op in history:
        listener = found.get(op.actor)
        if listener is None:
            continue
        if op.f == RECEIVE:
            listener.received.append(op)
        elif op.f == "ready":
            listener.ready = listener.ready or op
        elif op.f == "close" or (op.f == "system" and op.type == "fail"):
            listener.closed = listener.closed or op
    return found


def _columns(commit: Op) -> Mapping[str, Any]:
    """The columns of an event's row that the history tells."""
    value = commit.value
    return {
        "id": value.event_id,
        "process_id": value.get("process_id"),
        "event_type": value.get("event_type"),
        "event_sequence": value.get("sequence"),
    }


def _row(change: Op, rows: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """What is known of the changed row; of a deleted one, which has only its key, what was committed before."""
    record = change.value.get("record") or change.value.get("old_record") or {}
    before = rows.get(record.get("id", ""), {}) if change.value.get("table") == EVENTS else {}
    return {**before, **record}


def _identity(change: Op) -> str:
    """The same for all receipts of one change; two changes of a row that leave it alike are taken as one."""
    value = change.value
    told = [value.get("table"), value.get("action"), value.get("record"), value.get("old_record")]
    return json.dumps(told, sort_keys=True, default=str)


def _commits(history: History) -> Mapping[tuple[Any, ...], Op]:
    return {_row_key(op): op for op in history.where(f=COMMIT, type="ok")}


def _row_key(op: Op) -> tuple[Any, ...]:
    return tuple(op.value.get(key) for key in ("table", "action", "event_id", "process_id", "last_event_sequence"))


def _never_came(
    listeners: Mapping[str, _Listener], commits: Mapping[tuple[Any, ...], Op], end: float, within: float
) -> Iterator[Finding]:
    receipts: dict[str, dict[str, Op]] = {}
    for name, listener in listeners.items():
        for change in listener.received:
            receipts.setdefault(_identity(change), {}).setdefault(name, change)
    for got in receipts.values():
        for name in [name for name in listeners if name not in got]:
            listener = listeners[name]
            peers = [op for other, op in got.items() if listeners[other].rights == listener.rights]
            place = listener.wants(peers[0]) if peers else None
            if place is not None and _was_listening(listener, peers[0], commits.get(_row_key(peers[0])), end, within):
                yield _handler_finding("never_came", listener, place, peers[0])


def _was_listening(listener: _Listener, change: Op, commit: Op | None, end: float, within: float) -> bool:
    """Whether it was ready when the change was committed, and stayed until the change was due."""
    committed = change.time - within if commit is None else moment(commit)
    until = end if listener.closed is None else listener.closed.time
    return listener.ready is not None and listener.ready.time < committed and until >= change.time + within


def _handler_finding(what: str, listener: _Listener, place: int, change: Op) -> Finding:
    value = change.value
    binding = listener.bindings[place]
    detail = {
        "reader": listener.listen.actor,
        "handler": place,
        "binding": dict(binding),
        "table": value.get("table"),
        "action": value.get("action"),
        "row": dict(value.get("record") or value.get("old_record") or {}).get("id"),
        "got_it": change.actor,
    }
    return Finding(what, (listener.listen, change), detail)


def _at_readers(
    received: History, listeners: Mapping[str, _Listener], history: History, facts: Facts, within: float
) -> Iterator[Finding]:
    delivered: dict[tuple[str, Any], int] = {}
    for op in history.where(f=DELIVER):
        delivered[op.actor, op.value.get("event_id")] = op.index
    watched = {key: watched_until(facts, end) for key, end in ends(history).items() if facts.subscribers[key].entitled}
    for op in received:
        if op.actor in listeners:
            continue
        wrong = _wrong_topic(op)
        if wrong:
            yield Finding("wrong_topic", (op,), {**_of(op), "topic": op.value.topic, "why": wrong})
        elif tells_of_event(op) and delivered.get((op.actor, op.value.event_id), -1) < op.index:
            end = watched.get((op.actor, op.value.get("process_id", "")))
            if end is not None and was_due(facts, op.time, end, within):
                yield Finding("lost_at_callback", (op,), _of(op))


def _not_taken(history: History, facts: Facts, within: float) -> Iterator[Finding]:
    """Frames that reached the socket of an entitled reader and that no channel of its client had use for."""
    came = {(op.actor, op.value.get("event_id")) for op in history.where(f=RECEIVE)}
    closed = history.where(f="close")
    faults = history.where(f="fault")
    watched = {key: watched_until(facts, end) for key, end in ends(history).items() if facts.subscribers[key].entitled}
    for op in history.where(f=SEND, type="ok"):
        reader, end = op.value.get("link"), watched.get((op.value.get("link", ""), op.value.get("process_id", "")))
        if end is None or not tells_of_event(op) or (reader, op.value.event_id) in came:
            continue
        if was_due(facts, op.time, end, within) and not _disturbed(op, closed, faults, within):
            yield Finding("not_taken", (op,), {**_of(op), "reader": reader})


def _disturbed(send: Op, closed: History, faults: History, within: float) -> bool:
    """Whether the socket closed soon after, or a fault has touched the reader's link by then."""
    reader = send.value.get("link")
    gone = any(op.actor == reader and send.time <= op.time <= send.time + within for op in closed)
    return gone or any(
        op.time <= send.time + within and {op.value.get("link"), op.value.get("reader")} & {reader, "*"}
        for op in faults
    )


def _wrong_topic(op: Op) -> str:
    """Why a row does not belong on the topic of a reader on which it came, or nothing."""
    kind, _, rest = op.value.get("topic", "").partition(":")
    table, process_id = op.value.get("table"), op.value.get("process_id")
    if kind not in TABLES:
        return ""
    if table is not None and table != TABLES[kind]:
        return "table"
    return "process" if process_id is not None and str(process_id) not in rest else ""


def _of(op: Op) -> dict[str, Any]:
    keys = ("process_id", "event_id", "event_type", "sequence", "table")
    return {"reader": op.actor, **{key: op.value.get(key) for key in keys}}
