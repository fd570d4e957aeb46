"""The machine that owns a reader's cursor: what to fetch, what to apply and what to say of the connection.

Between client and reducer. Sans-IO: reports go in as method calls, `actions()` gives what is to be done, and
`next_deadline()` says when to call `tick`. Frames may be lost, doubled, late or out of order; applied is each
event once and in sequence order, and what cannot be had is said (spec-decisions D-62 … D-69).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final, Literal
from uuid import UUID

from harness.events.event import ProcessEvent
from harness.events.types import ProcessCompleted, ProcessError
from harness.pipeline.reader_status import TRANSITIONS, Signal, Status

Via = Literal["live", "fetch"]


_MINDS_HOLES: Final = frozenset({Status.CATCHING_UP, Status.LIVE, Status.ENDED})


class Answer(StrEnum):
    """What the reader knows of missed events; "nothing missed" and "could not ask" are never the same (D-62)."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Ask for the events after `since`; answer with `page` or `fetch_failed`. One is in flight at a time."""

    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """Hand the event to the reducer; `cursor` is the end of the contiguous prefix with it."""

    event: ProcessEvent
    via: Via
    cursor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GapSeen:
    """The sequences between were not seen in time; a fetch follows."""

    after: int
    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GapPermanent:
    """The complete fetch did not have them either; the cursor passes them, and they are never applied."""

    after: int
    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged:
    """To be shown; `reason` is the failure behind it, where there is one."""

    status: Status
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejoin:
    """The channels stand and are deaf: leave them and join afresh; `ready` follows."""


Action = Fetch | Apply | GapSeen | GapPermanent | StatusChanged | Rejoin

DEAF: Final = "events were found by asking that never came live"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hole:
    """The first hole, and all that was known to exist when it was noticed."""

    after: int
    known_to: int
    deadline: float


def backoff(failures: int, rng: Random, *, base: float = 0.5, cap: float = 10.0) -> float:
    """Seconds to wait after that many failures in a row: capped exponential, full jitter (D-66)."""
    return rng.uniform(0.0, min(cap, base * 2.0 ** min(failures, 16)))


def is_terminal(event: ProcessEvent) -> bool:
    """Whether the process ends with this event."""
    data = event.data
    return isinstance(data, ProcessCompleted) or (isinstance(data, ProcessError) and not data.recoverable)


class Recovery:
    """One reader's cursor in one process.

    `patience` is how long a hole is waited for before it is fetched: 250 ms and the idle poll of the server
    (D-69, realtime-facts 4.3). `silence` is after how many seconds without any live event a live reader asks by
    itself: no gap shows what was lost last. The heartbeat is the canary, and `silence` one and a half of it; where
    asking brings events that never came live, the channels are deaf and are joined afresh. Failed fetches are
    retried for ever.
    """

    def __init__(
        self,
        rng: Random,
        *,
        cursor: int = 0,
        patience: float = 0.75,
        silence: float = 45.0,
        retry_base: float = 0.5,
        retry_cap: float = 10.0,
    ) -> None:
        self._rng = rng
        self._patience = patience
        self._silence = silence
        self._retry_base = retry_base
        self._retry_cap = retry_cap
        self._status = Status.OFFLINE
        self._cursor = cursor
        self._horizon = cursor  # the highest sequence known to exist
        self._buffer: dict[int, tuple[ProcessEvent, Via]] = {}
        self._applied: set[UUID] = set()
        self._fetching = False
        self._again = False  # ready came while a fetch was in flight, which may have read too early
        self._asked = False  # somebody has answered since the connection last changed
        self._since = 0
        self._suspect = 0  # holes up to here were waited for before the fetch in flight began
        self._failures = 0
        self._hole: _Hole | None = None
        self._retry_at: float | None = None
        self._silent_at = 0.0
        self._silent = False  # nothing has come live for too long
        self._unheard = False  # since something came live, a fetch has brought what should have
        self._backfill = False  # what is being fetched is from before `ready`: nobody could have heard it
        self._actions: list[Action] = []

    @property
    def status(self) -> Status:
        return self._status

    @property
    def cursor(self) -> int:
        """The end of the contiguous prefix: everything up to here is applied, or was said to be gone."""
        return self._cursor

    @property
    def buffered(self) -> int:
        """How many events wait for those before them."""
        return len(self._buffer)

    @property
    def answer(self) -> Answer:
        if not self._asked:
            return Answer.UNKNOWN
        return Answer.COMPLETE if self._cursor >= self._horizon else Answer.INCOMPLETE

    @property
    def behind(self) -> bool:
        """Whether what is shown is, or may be, older than what is committed."""
        return self._status not in (Status.LIVE, Status.ENDED) or self._cursor < self._horizon

    def actions(self) -> tuple[Action, ...]:
        """What is to be done, in order; each is given once."""
        actions, self._actions = tuple(self._actions), []
        return actions

    def next_deadline(self) -> float | None:
        """When `tick` is due, if nothing comes before."""
        deadlines = [
            self._retry_at,
            self._hole.deadline if self._hole else None,
            self._silent_at if self._status is Status.LIVE else None,
        ]
        return min((at for at in deadlines if at is not None), default=None)

    def connecting(self) -> None:
        """The socket stands; no channel does yet."""
        self._forget_connection()
        self._signal(Signal.CONNECTING)

    def joined(self) -> None:
        """A join was answered. Events may still be lost until `ready`."""
        self._signal(Signal.JOINED)

    def ready(self, now: float) -> None:
        """Everything committed from now on comes live; what came before is fetched. May repeat at any time."""
        self._silent_at = now + self._silence
        self._asked = self._silent = self._unheard = False
        self._backfill = True
        self._signal(Signal.READY)
        self._begin_fetch()

    def received(self, event: ProcessEvent, now: float) -> None:
        """An event came over the wire, in whatever order and however often."""
        self._take(event, "live")
        self._release()
        self._heard(now)

    def unreadable(self, sequence: int, now: float) -> None:
        """An event came over the wire in a form that cannot be applied: a hole, which a fetch may fill."""
        self._horizon = max(self._horizon, sequence)
        self._heard(now)

    def told(self, last_sequence: int, now: float) -> None:
        """The state row says that events up to `last_sequence` exist; their own channel may be deaf all the same."""
        self._horizon = max(self._horizon, last_sequence)
        self._look_for_hole(now)

    def page(
        self,
        events: Iterable[ProcessEvent],
        *,
        last_sequence: int,
        complete: bool,
        now: float,
        up_to: int = 0,
    ) -> None:
        """The answer to `Fetch`. `complete` says that no more follow; `up_to` counts what could not be read, too."""
        for event in events:
            self._unheard = self._unheard or (not self._backfill and not self._knows(_number(event)))
            self._take(event, "fetch")
            up_to = max(up_to, _number(event))
        self._horizon = max(self._horizon, last_sequence)
        self._asked = not self._again
        self._release()
        if not complete and up_to <= self._since:
            self.fetch_failed("an empty page that is not the last one", now)
            return
        self._signal(Signal.ANSWERED)
        if complete:
            self._finish_fetch(last_sequence, now)
        else:
            self._ask(max(up_to, self._cursor))

    def fetch_failed(self, reason: str, now: float) -> None:
        """The question of `Fetch` was not answered: stale until it is, asked again with growing pauses."""
        self._fetching = self._again = self._asked = False
        wait = backoff(self._failures, self._rng, base=self._retry_base, cap=self._retry_cap)
        self._failures += 1
        self._signal(Signal.FAILED, reason)
        if self._status in (Status.STALE, Status.ENDED):
            self._retry_at = now + wait

    def disconnected(self, reason: str = "") -> None:
        """The socket or a channel is gone. What it missed is fetched at the next `ready`, not before."""
        self._forget_connection()
        self._signal(Signal.DISCONNECTED, reason)

    def closed(self) -> None:
        """The reader leaves for good; nothing comes out any more."""
        self._forget_connection()
        self._signal(Signal.CLOSED)

    def tick(self, now: float) -> None:
        """Time has passed."""
        if self._retry_at is not None and now >= self._retry_at:
            self._begin_fetch()
        if self._hole is not None and now >= self._hole.deadline:
            self._give_up_waiting(self._hole)
        if self._status is Status.LIVE and now >= self._silent_at:
            self._silent = True
            self._signal(Signal.OVERDUE)
            self._begin_fetch()

    def _emit(self, action: Action) -> None:
        if self._status is not Status.LEFT or action == StatusChanged(status=Status.LEFT):
            self._actions.append(action)

    def _signal(self, signal: Signal, reason: str = "") -> None:
        following = TRANSITIONS[self._status].get(signal, self._status)
        if following is not self._status:
            self._status = following
            self._emit(StatusChanged(status=following, reason=reason))

    def _forget_connection(self) -> None:
        self._hole = self._retry_at = None
        self._suspect = 0
        self._asked = self._silent = self._unheard = False

    def _knows(self, sequence: int) -> bool:
        return sequence <= self._cursor or sequence in self._buffer

    def _take(self, event: ProcessEvent, via: Via) -> None:
        sequence = _number(event)
        self._horizon = max(self._horizon, sequence)
        if sequence > self._cursor:
            self._buffer.setdefault(sequence, (event, via))

    def _release(self) -> None:
        """Apply what continues the prefix. An id that was applied under another number is not applied again."""
        while (held := self._buffer.pop(self._cursor + 1, None)) is not None:
            event, via = held
            self._cursor += 1
            if event.id not in self._applied:
                self._applied.add(event.id)
                self._emit(Apply(event=event, via=via, cursor=self._cursor))
                if is_terminal(event):
                    self._signal(Signal.TERMINAL)

    def _heard(self, now: float) -> None:
        """Something came live."""
        self._silent = self._unheard = False
        self._silent_at = now + self._silence
        self._look_for_hole(now)

    def _look_for_hole(self, now: float) -> None:
        """Start the clock of a new hole; a fetch in flight, or one that must come first, has it stand still."""
        if self._fetching or self._status not in _MINDS_HOLES:
            self._hole = None
        elif self._cursor >= self._horizon:
            self._hole = None
            self._signal(Signal.CAUGHT_UP)
        elif self._hole is None or self._hole.after != self._cursor:
            self._hole = _Hole(after=self._cursor, known_to=self._horizon, deadline=now + self._patience)

    def _give_up_waiting(self, hole: _Hole) -> None:
        for after, before in self._holes(hole.known_to):
            self._emit(GapSeen(after=after, before=before))
        self._signal(Signal.OVERDUE)
        self._suspect = hole.known_to
        self._begin_fetch()

    def _holes(self, limit: int) -> Iterator[tuple[int, int]]:
        after = self._cursor
        for sequence in (*sorted(held for held in self._buffer if held <= limit), limit + 1):
            if sequence > after + 1:
                yield after, sequence
            after = sequence

    def _begin_fetch(self) -> None:
        self._hole = self._retry_at = None
        if self._fetching:
            self._again = True
            return
        self._fetching = True
        self._ask(self._cursor)

    def _ask(self, since: int) -> None:
        self._since = since
        self._emit(Fetch(since=since))

    def _finish_fetch(self, last_sequence: int, now: float) -> None:
        self._fetching = False
        self._failures = 0
        self._pass_holes(min(self._suspect, last_sequence))
        self._suspect = 0
        if self._again:
            self._again = False
            self._begin_fetch()
            return
        if self._silent and self._unheard and self._status is Status.CATCHING_UP:
            self.disconnected(DEAF)
            self._emit(Rejoin())
            return
        if self._silent or self._backfill:
            self._silent = self._backfill = False
            self._silent_at = now + self._silence
        self._look_for_hole(now)

    def _pass_holes(self, limit: int) -> None:
        while self._cursor < limit:
            before = min(min(self._buffer, default=limit + 1), limit + 1)
            self._emit(GapPermanent(after=self._cursor, before=before))
            self._cursor = before - 1
            self._release()


def _number(event: ProcessEvent) -> int:
    if event.sequence is None:
        raise ValueError(f"{event.event_type} {event.id} has no number yet: only rows can be received")
    return event.sequence
