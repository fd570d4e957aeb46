"""A whole clean run, every hop of it: what the reference leaves in its history when nothing is wrong.

The mutants are small changes of it; the reports are shown with it. One article, two browsers; one of them loses its
socket once and fetches what it missed. It is made up from a seed, not recorded, and has no fault to be found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from harness.events.delivery_class import delivery_class
from harness.events.event import text_hash
from harness.history import History, Op
from harness.history.hops import HOPS
from harness.history.op import Type, Value

PROCESS = "0b6f6f0e-4d3e-5f3f-9c43-6c8c0e2f7a11"
OWNER = "11111111-1111-4111-8111-111111111111"
OTHER_PROCESS = "3c9d1f42-8f1b-5b0e-8d43-0b8b5b1d9a02"
WALL = 1_795_506_302.0
"""The server's time, seconds since 1970, when the run begins."""
TOPICS = ("process_events", "process_state")
STATE_TABLE = "generated_articles_state"
LISTENER = "listener"
STEPS = (
    "keyword_analyzing",
    "persona_generating",
    "theme_generating",
    "research_planning",
    "researching",
    "research_synthesizing",
    "outline_generating",
)
QUESTIONS = {
    "persona_generating": "SELECT_PERSONA",
    "theme_generating": "SELECT_THEME",
    "research_planning": "APPROVE_PLAN",
    "outline_generating": "APPROVE_OUTLINE",
}

HEADER: dict[str, Any] = {
    "scenario": "clean",
    "title": "One article, two browsers, one of them offline for a while.",
    "seed": 7,
    "backend": "embedded",
    "pace": 10.0,
    "client": "native",
    "started": "2026-11-24T07:45:02+00:00",
    "versions": {"realtime-harness": "0.1.0", "python": "3.11.2", "postgres": "18.6"},
    "hops": list(HOPS),
    "checkers": {"accounting": {}, "order": {}, "content": {}, "convergence": {}},
}


def clean_run(
    *,
    seed: int = 7,
    steps: Sequence[str] = STEPS,
    sections: int = 2,
    chunks: int = 6,
    readers: Sequence[str] = ("reader-1", "reader-2"),
) -> History:
    """The history; the last of `readers` is disconnected while the first section streams, if there are two."""
    run = _Run(rng=Random(seed), readers=tuple(readers))
    run.begin()
    for step in steps:
        run.step(step)
    for section in range(sections):
        run.write(section, chunks, disconnect=section == 0 and len(readers) > 1)
    run.pause()
    run.finish()
    return run.history()


@dataclass(kw_only=True)
class _Run:
    rng: Random
    readers: tuple[str, ...]
    now: float = 0.2
    sequence: int = 0
    decoded: float = 0.0
    ops: list[tuple[float, Op]] = field(default_factory=list)
    offline: tuple[str, float, float] = ("", 0.0, 0.0)
    missed: list[dict[str, Any]] = field(default_factory=list)
    sections: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, at: float, actor: str, f: str, value: Mapping[str, Any] | None = None, *, type: Type = "ok") -> None:
        op = Op(index=0, time=round(at, 6), actor=actor, f=f, type=type, value=Value(value))
        self.ops.append((at, op))

    def history(self) -> History:
        ordered = sorted(self.ops, key=lambda item: item[0])
        return History(replace(op, index=index) for index, (_, op) in enumerate(ordered))

    def begin(self) -> None:
        self.tell(0.0, "story", "step", {"step": "StartProcess", "number": "1", "process": "article"}, type="invoke")
        self.tell(
            0.01,
            "story",
            "start_process",
            {"process": "article", "process_id": PROCESS, "owner": "alice", "owner_id": OWNER},
        )
        for place, reader in enumerate(self.readers):
            self._connect(0.05 + 0.02 * place, reader)
        self.listen()
        self.say("process_created")
        self.count(0.9, "before")
        self.now += 1.2

    def step(self, step: str) -> None:
        self.say("step_update")
        self.now += self.rng.uniform(0.3, 0.9)
        if step == "researching":
            for _ in range(5):
                self.say("research_progress")
                self.now += self.rng.uniform(0.1, 0.3)
        if step in QUESTIONS:
            self.say("user_input_required")
            self.now += self.rng.uniform(0.6, 2.2)
            told = {"process_id": PROCESS, "action": "user-input", "input_type": QUESTIONS[step]}
            self.tell(self.now, self.readers[0], "act", told, type="invoke")
            self.tell(self.now + 0.02, self.readers[0], "act", told)
            self.now += 0.03
            self.say("user_input_received")
        self.say("step_completed")
        self.now += 0.05

    def write(self, section: int, chunks: int, *, disconnect: bool) -> None:
        written = "".join(f"<p>{section}.{chunk} 札幌の冬と暮らす家づくり</p>" for chunk in range(chunks))
        told = {"section_index": section, "sha256": text_hash(written), "chars": len(written)}
        self.sections.append(told)
        self.tell(self.now, "app", "source", {"process_id": PROCESS, "attempt": 1, **told})
        if disconnect:
            self._disconnect(self.readers[-1], self.now + 0.25, lasts=0.26 * chunks)
        for chunk in range(chunks):
            self.now += self.rng.uniform(0.21, 0.3)
            self.say("section_chunk", section_index=section, attempt=1, chunk_index=chunk)
        self.now += 0.1
        self.say("section_completed")
        if disconnect:
            self._come_back()

    def pause(self) -> None:
        self.say("process_paused")
        self.now += 2.0
        self.say("process_resumed")
        self.now += 0.2

    def finish(self) -> None:
        self.say("heartbeat")
        self.say("state_updated")
        self.save_state()
        self.now += 0.1
        self.say("process_completed")
        self.now += 1.5
        self.tell(self.now, "story", "settle", {"timeout": 30.0}, type="invoke")
        self.tell(self.now + 0.2, "story", "settle", {"timeout": 30.0, "waited": 0.2})
        self.count(self.now + 0.25, "after")
        shown = {
            "process_id": PROCESS,
            "status": "completed",
            "current_step": "editing",
            "is_waiting_for_input": False,
            "expected_user_input": None,
            "last_event_sequence": self.sequence,
            "sections": self.sections,
            "article_sha256": text_hash("article"),
        }
        self.tell(self.now + 0.3, "story", "database", shown)
        for place, reader in enumerate(self.readers):
            end = self.now + 0.31 + 0.002 * place
            self.tell(end, reader, "view", {**shown, "stale": False})
            self.tell(end + 0.001, reader, "status", {"process_id": PROCESS, "status": "left"})
            self.tell(end + 0.001, reader, "close", {"code": 1000, "reason": "", "by": "client"})

    def listen(self) -> None:
        """A client that just listens to the state row: by a handler for this process, and one for another."""
        wanted = {"event": "UPDATE", "schema": "public", "table": STATE_TABLE}
        bindings = [{**wanted, "filter": f"id=eq.{process}"} for process in (PROCESS, OTHER_PROCESS)]
        who = {"user": "alice", "user_id": OWNER, "role": "authenticated"}
        self.tell(0.05, LISTENER, "listen", {"topic": LISTENER, "bindings": bindings, **who})
        self._ask_to_join(0.059, LISTENER, LISTENER)
        self.tell(0.06, LISTENER, "join", {"topic": LISTENER})
        self.tell(0.25, LISTENER, "ready", {"topic": LISTENER})

    def save_state(self) -> None:
        """The state row is saved, comes to who listens to it, and is read back."""
        stamp = f"2026-11-24T07:45:{int(self.now) % 60:02d}"
        keys = {
            "table": STATE_TABLE,
            "action": "UPDATE",
            "process_id": PROCESS,
            "last_event_sequence": self.sequence,
        }
        row = {"id": PROCESS, "status": "running", "progress": 87.5, "last_event_sequence": self.sequence}
        live = {**row, "updated_at": f"{stamp}+00:00"}
        self.tell(self.now, "witness", "commit", {**keys, "lsn": "0/1FFFFFF", "at": self.now})
        wire = {"topic": LISTENER, "bytes": 900, "handlers": [0], "record": live, "old_record": {"id": PROCESS}}
        self.tell(self.now + 0.02, LISTENER, "receive", {**keys, **wire})
        read = {**keys, "record": {**row, "updated_at": f"{stamp}.000Z"}}
        self.tell(self.now + 0.03, "story", "read_back", read)

    def say(self, event_type: str, **place: Any) -> None:
        """Emit one event and take it through every hop to every reader."""
        self.sequence += 1
        keys = {
            "process_id": PROCESS,
            "event_id": f"00000000-0000-4000-8000-{self.sequence:012d}",
            "event_type": event_type,
        }
        row = {"table": "process_events", "action": "INSERT", **keys, "sequence": self.sequence}
        lsn = f"0/{0x19A4000 + 0x150 * self.sequence:X}"
        content = text_hash(f"content of {self.sequence}")
        at = self.now
        kind = {"delivery_class": delivery_class(event_type), "intent": self.sequence, "content": content, "due": at}
        self.tell(at, "app", "emit", {**keys, **kind, **place})
        self.tell(
            at, "app", "debounce", {**keys, "intent": self.sequence, "outcome": "published", "into": keys["event_id"]}
        )
        self.tell(at + 0.0002, "app", "insert", {**keys, "attempt": 1}, type="invoke")
        committed = at + self.rng.uniform(0.0015, 0.004)
        self.tell(committed + 0.0006, "app", "insert", {**keys, "attempt": 1, "sequence": self.sequence})
        stamp = f"2026-11-24T07:45:{int(committed) % 60:02d}.000000Z"
        self.tell(
            committed + 0.001, "witness", "commit", {**row, "lsn": lsn, "commit_timestamp": stamp, "at": committed}
        )
        self._travel(committed, row, lsn, content)
        self.now = at + 0.006

    def _travel(self, committed: float, row: dict[str, Any], lsn: str, content: str) -> None:
        slow = 0.09 if self.rng.random() < 0.1 else 0.0
        decoded = self.decoded = max(self.decoded + 0.002, committed + self.rng.uniform(0.004, 0.02) + slow)
        online = [reader for reader in self.readers if not self._is_offline(reader, decoded)]
        self.tell(decoded, "realtime", "decode", {**row, "lsn": lsn})
        self.tell(decoded + 0.002, "realtime", "authorise", {**row, "to": online, "withheld": []})
        for place, reader in enumerate(self.readers):
            if reader not in online:
                self.missed.append({**row, "content": content})
            elif self.sequence == 1:
                # Committed before the reader was ready: its first fetch brings it.
                self._take(0.34 + 0.02 * place, reader, row, content, via="fetch")
            else:
                sent = decoded + 0.003 + 0.0004 * place
                wire = {"topic": f"process_events:{PROCESS}"}
                self.tell(sent, "realtime", "dispatch", {**row, "link": reader, **wire, "ids": [1]})
                self.tell(sent + 0.0002, "realtime", "send", {**row, "link": reader, **wire, "bytes": 1180})
                self.tell(sent + 0.0008, reader, "receive", {**row, **wire, "bytes": 1180})
                self._take(sent + 0.001, reader, row, content, via="live")

    def _take(self, at: float, reader: str, row: dict[str, Any], content: str, *, via: str) -> None:
        keys = {key: row[key] for key in ("process_id", "event_id", "event_type", "sequence")}
        self.tell(at, reader, "deliver", {**keys, "via": via})
        self.tell(at + 0.0001, reader, "apply", {**keys, "cursor": row["sequence"], "via": via, "content": content})

    def _connect(self, at: float, reader: str) -> None:
        self.tell(
            at,
            reader,
            "subscribe",
            {"process_id": PROCESS, "user": "alice", "user_id": OWNER, "role": "authenticated", "client": "native"},
        )
        self._get_ready(at + 0.01, reader)

    def _get_ready(self, at: float, reader: str) -> None:
        self.tell(at, reader, "status", {"process_id": PROCESS, "status": "connecting"})
        self.tell(at + 0.005, reader, "open")
        for place, topic in enumerate(TOPICS):
            self._ask_to_join(at + 0.019 + 0.001 * place, reader, f"{topic}:{PROCESS}")
            self.tell(at + 0.02 + 0.001 * place, reader, "join", {"topic": f"{topic}:{PROCESS}"})
            self.tell(at + 0.24 + 0.001 * place, reader, "ready", {"topic": f"{topic}:{PROCESS}"})
        self.tell(at + 0.25, reader, "status", {"process_id": PROCESS, "status": "catching_up"})
        self.tell(at + 0.25, reader, "fetch", {"process_id": PROCESS, "since": 0}, type="invoke")
        self.tell(at + 0.29, reader, "status", {"process_id": PROCESS, "status": "live"})

    def _ask_to_join(self, at: float, link: str, topic: str) -> None:
        """A join as the server takes it, with a token that is good for an hour."""
        token = {"role": "authenticated", "expires": WALL + 3600, "wall": WALL + at}
        self.tell(at, "realtime", "join", {"link": link, "topic": f"realtime:{topic}", **token})

    def count(self, at: float, label: str) -> None:
        """What is kept, as it is with all readers there and nothing under way."""
        counts = {"app.pending": 0, "engine.channels": 2 * len(self.readers) + 1, "engine.subscriptions": 6}
        self.tell(at, "story", "census", {"label": label, "counts": counts})

    def _is_offline(self, reader: str, at: float) -> bool:
        who, start, end = self.offline
        return reader == who and start <= at < end

    def _disconnect(self, reader: str, at: float, *, lasts: float) -> None:
        self.offline = (reader, at, at + lasts + 0.3)
        self.tell(at, "nemesis", "disconnect", {"reader": reader, "process_id": PROCESS})
        self.tell(at + 0.002, reader, "close", {"code": 1006, "reason": "", "by": "server"})
        self.tell(at + 0.003, reader, "status", {"process_id": PROCESS, "status": "offline"})
        self._get_ready(at + lasts, reader)

    def _come_back(self) -> None:
        """Fetch what was missed; what came live meanwhile waits for it in this story, which leaves it time."""
        reader, _, end = self.offline
        at = max(end, self.now) + 0.02
        self.now = at + 0.1
        for place, row in enumerate(self.missed):
            keys = {key: item for key, item in row.items() if key != "content"}
            self._take(at + 0.0005 * place, reader, keys, row["content"], via="fetch")
        late = [
            (when, op)
            for when, op in self.ops
            if op.actor == reader and op.f in ("apply", "deliver") and end <= when < at
        ]
        self.ops = [pair for pair in self.ops if pair not in late]
        for place, (_, op) in enumerate(late):
            when = at + 0.0005 * len(self.missed) + 0.0002 * place
            self.tell(when, reader, op.f, op.value)
