"""What was heard, ready to be compared: decoded, and with a mark for everything that two runs may differ in.

Beside the straight line, between a recording and `difference`. What may differ is said in the README of the
transcripts: uuids, `phx_ref`, presence keys that the server made, timestamps, the value of binding ids. A mark
keeps what it stands for, so that equal things must stay equal and different ones different.
"""

import json
import re
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from harness.fidelity.recording import Entry, Recording
from harness.fidelity.script import Step, envelope, steps

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d(?::?\d\d)?)?")
_AGO: Final = re.compile(r"(?<=expired )\d+(?= seconds ago)")
_PID: Final = re.compile(r"(?<=for PID )\d+")
_NEAR: Final = timedelta(days=1)
_IDENTITY_TABLES: Final = frozenset({"t_seq", "t_types"})
"""Tables of schema.sql whose keys PostgreSQL counts; where the count stands is no behaviour."""

_HEADERS: Final = (
    "content-type",
    "x-rate-limit",
    "x-rate-limit-remaining",
    "x-rate-rolling",
    "sec-websocket-extensions",
)
"""The headers of an answer that say something; the others are the web server's own (declared)."""

_QUESTIONS: Final = frozenset({"sql", "http_send", "ctl"})
_ANSWERS: Final = frozenset({"sqlok", "sqlerr", "http_recv", "ctl_result"})
_SHORT: Final = 60
_DEFLATE: Final = re.compile(r"[\s;].*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that may differ: `kind` and what it was."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One thing heard. `key` says what it is about, `text` is all of it with marks, `marks` what they stand for.

    `value` is the decoded form with marks, for telling where two frames differ. `place` counts all that was heard.
    """

    place: int
    stream: str
    t: float
    key: str
    value: Any
    text: str
    marks: Sequence[Mark]
    entry: Entry


def frames(recording: Recording, *, known: frozenset[str]) -> Sequence[Frame]:
    """Everything heard, in order; `known` are the ids that our side chose, which must come back as they are."""
    found: list[Frame] = []
    asked: defaultdict[str, deque[str]] = defaultdict(deque)
    counts: Counter[str] = Counter()
    for step in steps(recording):
        if step.entry.is_heard:
            waiting = asked[step.stream]
            question = waiting.popleft() if waiting and step.entry.dir in _ANSWERS else ""
            found.append(_frame(len(found), step, recording.wall, known, question))
        elif step.entry.dir in _QUESTIONS:
            counts[step.stream] += 1
            asked[step.stream].append(f" #{counts[step.stream]} {_question(step.entry)}")
    return found


def _question(entry: Entry) -> str:
    """What was asked, on one short line."""
    match entry.dir:
        case "sql":
            return " ".join(entry.text.split())[:_SHORT]
        case "http_send":
            return f"{entry.method} {entry.path}"
        case _:
            return entry.text.partition(" ")[0]


def chosen_ids(recording: Recording) -> frozenset[str]:
    """The uuids that our side sent."""
    texts = (
        text
        for entry in recording.entries
        if entry.is_act
        for text in (entry.text, *(arg for arg in entry.args if arg))
    )
    return frozenset(found for text in texts for found in _UUID.findall(text))


def _frame(place: int, step: Step, wall: datetime, known: frozenset[str], question: str) -> Frame:
    """An answer is matched by its question, which it does not repeat; anything else by what it says itself."""
    value = _value(step.entry)
    marker = _Marker(wall, known)
    marked, marks = marker.mark(value, table=_table(value))
    return Frame(
        place=place,
        stream=step.stream,
        t=step.entry.t,
        key=f"{_key(value)}{question}",
        value=marked,
        text=f"{canonical(marked)}{question}",
        marks=marks,
        entry=step.entry,
    )


def _value(entry: Entry) -> dict[str, Any]:
    """What an entry says, as one object."""
    match entry.dir:
        case "recv":
            return _binary(entry.data) if entry.bin else _message(entry.text)
        case "close":
            return {"heard": "close", "code": entry.code, "reason": entry.reason}
        case "opened":
            return {"heard": "opened", "headers": _headers(entry)}
        case "sqlok":
            return {"heard": "sql", "result": entry.text}
        case "sqlerr":
            return {"heard": "sql", "result": "error", "words": entry.text}
        case "ctl_result":
            return {"heard": "ctl", "result": entry.text}
        case _:
            body = _parsed(entry.text)
            return {"heard": entry.dir, "status": entry.status, "body": body, "headers": _headers(entry)}


def _message(text: str) -> dict[str, Any]:
    fields = envelope(text)
    whole = _parsed(text)
    if fields is None or not isinstance(whole, list | dict):
        return {"heard": "frame", "text": whole}
    if isinstance(whole, list):
        names = ("join_ref", "ref", "topic", "event", "payload")
        return {"heard": "message", "form": "array", **dict(zip(names, whole, strict=True))}
    return {"heard": "message", "form": "object", **whole}


def _binary(data: bytes) -> dict[str, Any]:
    """A frame of kind 4 (server to client broadcast) taken apart; any other as it is (realtime-facts 2.3)."""
    if len(data) < 5 or data[0] != 4:
        return {"heard": "binary", "hex": data.hex()}
    topic, event, meta, encoding = data[1], data[2], data[3], data[4]
    ends = (5, 5 + topic, 5 + topic + event, 5 + topic + event + meta)
    parts = [data[start:end].decode("utf-8", "replace") for start, end in pairwise(ends)]
    payload = data[ends[3] :]
    return {
        "heard": "binary",
        "topic": parts[0],
        "event": parts[1],
        "meta": _parsed(parts[2]) if parts[2] else None,
        "encoding": encoding,
        "payload": payload.decode("utf-8", "replace") if encoding == 1 else payload.hex(),
    }


def _headers(entry: Entry) -> dict[str, str]:
    said = {name: entry.headers[name] for name in _HEADERS if name in entry.headers}
    return {name: _DEFLATE.sub("", value) if name.startswith("sec-") else value for name, value in said.items()}


def _parsed(text: str) -> Any:
    """JSON with its numbers as they are written, or the text itself."""
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return text


def _table(value: Mapping[str, Any]) -> str | None:
    data = _at(value, "payload", "data")
    return str(data.get("table")) if isinstance(data, dict) else None


def _key(value: Mapping[str, Any]) -> str:
    """What a frame is about, so that two that differ can be told apart from one lost and one too many."""
    heard = str(value["heard"])
    if heard == "binary":
        return f"binary {value.get('topic')} {value.get('event')}"
    if heard != "message":
        return "answer" if heard in ("opened", "http") else heard
    event, topic = value.get("event"), value.get("topic")
    if event == "phx_reply":
        return f"phx_reply {topic} ref {value.get('ref')}"
    if event == "postgres_changes":
        return (
            f"postgres_changes {topic} {_at(value, 'payload', 'data', 'table')} {_at(value, 'payload', 'data', 'type')}"
        )
    if event == "broadcast":
        return f"broadcast {topic} {_at(value, 'payload', 'event')}"
    return f"{event} {topic}"


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


class _Marker:
    """Puts marks in the place of what may differ, and remembers in the order of the text what they stand for."""

    def __init__(self, wall: datetime, known: frozenset[str]) -> None:
        self._wall = wall
        self._known = known

    def mark(self, value: Any, *, table: str | None, path: tuple[str, ...] = ()) -> tuple[Any, list[Mark]]:
        """The value with marks, and what they stand for."""
        if isinstance(value, dict):
            return self._mark_object(value, table, path)
        if isinstance(value, list):
            done = [self.mark(each, table=table, path=(*path, "[]")) for each in value]
            return [marked for marked, _ in done], [mark for _, marks in done for mark in marks]
        kind = _number_kind(path, table)
        if kind is not None and isinstance(value, int) and value != 0:
            return f"<{kind}>", [Mark(kind=kind, value=str(value))]
        if not isinstance(value, str):
            return value, []
        if path and path[-1] in ("phx_ref", "phx_ref_prev"):
            return "<ref>", [Mark(kind="ref", value=value)]
        return self._mark_text(value)

    def _mark_object(self, value: dict[str, Any], table: str | None, path: tuple[str, ...]) -> tuple[Any, list[Mark]]:
        """In the order of the marked text: two keys made by two servers need not sort in the same way."""
        parts = []
        for name, each in value.items():
            marked_name, name_marks = self._mark_text(name)
            marked, marks = self.mark(each, table=table, path=(*path, name))
            parts.append((marked_name, marked, [*name_marks, *marks]))
        parts.sort(key=lambda part: part[0])
        if len({name for name, _, _ in parts}) < len(parts):
            parts.sort(key=lambda part: (part[0], canonical(part[1])))
        names = [name for name, _, _ in parts]
        numbered = [name if names.count(name) == 1 else f"{name}#{i}" for i, name in enumerate(names)]
        marked = {name: part[1] for name, part in zip(numbered, parts, strict=True)}
        return marked, [mark for _, _, marks in parts for mark in marks]

    def _mark_text(self, text: str) -> tuple[str, list[Mark]]:
        marks: list[Mark] = []

        def uuid(found: re.Match[str]) -> str:
            if found[0] in self._known:
                return found[0]
            marks.append(Mark(kind="uuid", value=found[0]))
            return "<uuid>"

        def ago(found: re.Match[str]) -> str:
            marks.append(Mark(kind="seconds", value=found[0]))
            return "<n>"

        if len(text) > 10:
            text = _TIME.sub(self._time, _UUID.sub(uuid, text))
            text = _PID.sub("<pid>", _AGO.sub(ago, text))
        return text, marks

    def _time(self, found: re.Match[str]) -> str:
        """A mark for a time of the run, with the form in which it is written; another time is data."""
        date, between, time, fraction, zone = found.groups()
        try:
            moment = datetime.fromisoformat(f"{date}T{time}").replace(tzinfo=self._wall.tzinfo)
        except ValueError:  # PostgreSQL knows times that Python does not, such as 24:00
            return found[0]
        if abs(moment - self._wall) > _NEAR:
            return found[0]
        digits = "" if fraction is None else ".ms" if zone == "Z" else ".us"
        return f"<time{between}{digits}{zone or ''}>"


def _number_kind(path: tuple[str, ...], table: str | None) -> str | None:
    """Which of the numbers that may differ stands at a path, if any."""
    if path[-3:] == ("postgres_changes", "[]", "id") or path[-2:] == ("ids", "[]"):
        return "binding"
    if table in _IDENTITY_TABLES and path[-2:] in (("record", "id"), ("old_record", "id")):
        return f"{table}.id"
    return None


def canonical(value: Any) -> str:
    """A text that is equal for equal values, whatever the order of keys; numbers as they were written."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=lambda number: f"<{number}>")
