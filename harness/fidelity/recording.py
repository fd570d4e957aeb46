"""One recording of a server as a value: what was sent and what came back, in the order of the file.

Beside the straight line: the real server's side of `harness fidelity`, and the form in which a play is kept too.
The format is that of the recorder (README of the transcripts): one JSON object a line, `⟦x×4000⟧` for a run.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from harness.errors import InvalidRecording

_ACTS: Final = frozenset({"open", "send", "sql", "http_send", "ctl", "ping"})
_HEARD: Final = frozenset({"opened", "http", "recv", "sqlok", "sqlerr", "http_recv", "ctl_result"})
_CLIENT_CODES: Final = (1000, 1005, 1006)
"""Of a close that does not say by whom: the old recorder closed with 1000 and gave up with 1006 (its README)."""

_RUN: Final = re.compile("⟦(.)×(\\d+)⟧", re.DOTALL)
_CUT: Final = re.compile(r"(.*)\.\.\.<(\d+) chars>", re.DOTALL)
_LONG: Final = 5_000
_COPIES: Final = re.compile(r"(.)\1{4999,}", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line. `t` is in ms since the recording began; `c` a socket, a SQL connection, `http` or `-`.

    `dir` is one of the recorder's, or `ping` (a WebSocket ping) and `ctl_result`, which it writes as notes.
    """

    t: float
    c: str
    dir: str
    text: str = ""
    bin: bool = False
    hex: str | None = None
    code: int | None = None
    reason: str = ""
    by: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: Mapping[str, str] = field(default_factory=dict)
    args: tuple[str | None, ...] = ()
    method: str = ""
    path: str = ""
    wall: datetime | None = None
    vsn: str | None = None

    @property
    def data(self) -> bytes:
        """The bytes of a binary frame or body."""
        return bytes.fromhex(self.hex) if self.hex is not None else self.text.encode("latin-1")

    @property
    def is_act(self) -> bool:
        """Whether our side did it."""
        return self.dir in _ACTS or (self.dir == "close" and self.by == "client")

    @property
    def is_heard(self) -> bool:
        """Whether it came from the other side."""
        return self.dir in _HEARD or (self.dir == "close" and self.by == "server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """`wall` is when `t` was 0, known to the second; `vsn` that of most of its sockets."""

    name: str
    vsn: str
    wall: datetime
    entries: tuple[Entry, ...]

    @property
    def seconds(self) -> float:
        """How long it takes to play."""
        return max((entry.t for entry in self.entries), default=0.0) / 1000


_ENTRY: Final = TypeAdapter(Entry)


def parse(name: str, lines: Iterable[str]) -> Recording:
    """The recording in these lines; raises `InvalidRecording` with the line that is none."""
    entries: list[Entry] = []
    for number, line in enumerate(lines, 1):
        try:
            entries.append(_understood(_ENTRY.validate_json(line)))
        except ValidationError as error:
            raise InvalidRecording(name, f"line {number}: {error.errors()[0]['msg']}") from error
    if not entries or entries[0].dir != "meta" or entries[0].wall is None:
        raise InvalidRecording(name, "its first line is no `meta` with `wall`")
    meta = entries[0]
    return Recording(name=name, vsn=meta.vsn or "1.0.0", wall=entries[0].wall, entries=tuple(entries[1:]))


def lines(recording: Recording) -> Iterator[str]:
    """What `parse` reads; long runs of one character are written short again."""
    meta = Entry(t=0.0, c="-", dir="meta", wall=recording.wall, vsn=recording.vsn)
    for entry in (meta, *recording.entries):
        whole: dict[str, Any] = _ENTRY.dump_python(_short(entry), mode="json", exclude_defaults=True)
        yield json.dumps(whole, ensure_ascii=False)


def expand(text: str) -> str:
    """The text with its runs written out. What the recorder cut off is filled with the last character before it."""
    cut = _CUT.fullmatch(text)
    if cut is not None:
        kept, length = cut[1], int(cut[2])
        return kept + kept[-1:] * (length - len(kept))
    return _RUN.sub(lambda run: run[1] * int(run[2]), text)


def shorten(text: str) -> str:
    """The text with runs of 5,000 and more written as the recorder does."""
    if len(text) < _LONG:
        return text
    return _COPIES.sub(lambda copies: f"⟦{copies[1]}×{len(copies[0])}⟧", text)


def _short(entry: Entry) -> Entry:
    return replace(entry, text=shorten(entry.text)) if entry.hex is None else entry


def _understood(entry: Entry) -> Entry:
    """The entry with what the recorder left unsaid: the runs, who closed, and notes that are more than notes."""
    if entry.dir == "close" and entry.by is None:
        return replace(entry, by="client" if entry.code in _CLIENT_CODES else "server")
    if entry.dir == "note" and entry.text == "ws ping sent":
        return replace(entry, dir="ping", text="")
    if entry.dir == "note" and entry.c == "-" and entry.text.startswith("ctl "):
        return replace(entry, dir="ctl_result", text=entry.text.removeprefix("ctl "))
    if entry.text and ("⟦" in entry.text or entry.text.endswith(" chars>")):
        return replace(entry, text=expand(entry.text))
    return entry
