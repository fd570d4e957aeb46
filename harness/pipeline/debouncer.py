"""`Debouncer`: holds back events of one process for a short while, as its policy says, and gives them out in order.

Between what the application says and what the publisher writes. It is a throttle on both edges (spec-decisions D-11):
the first event of a key goes out at once, what follows within `min_interval` is held back until that is over.
"""

from collections.abc import Hashable, Set
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from harness.events.event import ProcessEvent
from harness.events.types import ProcessCompleted, ProcessError
from harness.pipeline.policies.policy import Outcome, Policy

MIN_INTERVAL_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What became of an event, and which event is published in its place: itself if it is `published`."""

    event: ProcessEvent
    outcome: Outcome
    into: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An event to be published now, and what was decided of it and of all that went into it, in order of intent."""

    event: ProcessEvent
    decided: tuple[Decided, ...]


@dataclass(frozen=True, slots=True)
class _Held:
    """What goes out for a key by `until`, and the earlier events that went into it and how."""

    event: ProcessEvent
    until: float
    absorbed: tuple[tuple[ProcessEvent, Outcome], ...] = ()

    def joined(self, later: ProcessEvent, policy: Policy) -> "_Held | None":
        """With a later event in it, or None if that cannot be."""
        joined = policy.join(self.event.data, later.data)
        if joined is None:
            return None
        absorbed = (*self.absorbed, (self.event, joined.outcome))
        return _Held(replace(later, data=joined.data), self.until, absorbed)

    def release(self) -> Release:
        into = self.event.id
        earlier = (Decided(event=event, outcome=outcome, into=into) for event, outcome in self.absorbed)
        own = Decided(event=self.event, outcome="published", into=into)
        return Release(event=self.event, decided=(*earlier, own))


class Debouncer:
    """Events go in by `offer` in the order of their intents; what is to be published comes out, in that order.

    Call `due` at `next_deadline()`. `now` is in seconds of a clock that only goes forward (D-10). The slot of a key
    counts from when its event was given out, however long the write takes (D-9). A key is forgotten once its interval
    is over, so nothing grows (D-14).
    """

    def __init__(self, policy: Policy, *, min_interval: float = MIN_INTERVAL_S) -> None:
        self._policy = policy
        self._min_interval = min_interval
        self._held: dict[Hashable, _Held] = {}
        self._given_out: dict[Hashable, float] = {}  # key → when its last event went out
        self._closed = False

    @property
    def held(self) -> int:
        """How many events are held back, those counted once that became one."""
        return len(self._held)

    def keys(self, now: float) -> int:
        """Of how many keys something is kept."""
        self._forget_old(now)
        return len(self._held.keys() | self._given_out.keys())

    def next_deadline(self) -> float | None:
        """When `due` has something to give out, if nothing happens before; None while nothing is held back."""
        return min((held.until for held in self._held.values()), default=None)

    def offer(
        self, event: ProcessEvent, now: float, *, at_once: bool = False, busy: bool = False
    ) -> tuple[Release, ...]:
        """Take the event. If it goes out it is the last of what is given out, after what must be before it.

        `at_once`: it may not be held back, whatever the policy says. `busy`: what was given out is still being
        written, so that what may be held back is, and due as soon as that is done. After the end of its process
        nothing is held back.
        """
        self._forget_old(now)
        key = None if at_once or self._closed else self._policy.key(event.data)
        if key in self._held:
            released = self._onto(key, event, now)
        elif key in self._given_out or (busy and key is not None):
            slot = self._given_out.get(key, now - self._min_interval)
            self._held[key] = _Held(event, until=slot + self._min_interval)
            released = ()
        else:
            released = (*self._give_out(self._before(event), now), _Held(event, until=now).release())
            if key is not None:
                self._given_out[key] = now
        if _ends(event) and not self._held:
            self._closed = True
            self._given_out.clear()
        return released

    def due(self, now: float) -> tuple[Release, ...]:
        """What has been held back long enough, and what must be before it."""
        self._forget_old(now)
        due = {key: held.event for key, held in self._held.items() if held.until <= now}
        return self._give_out(due.keys() | {key for event in due.values() for key in self._before(event)}, now)

    def close(self, now: float) -> tuple[Release, ...]:
        """All that is held back; from now on nothing is."""
        released = self._give_out(set(self._held), now)
        self._closed = True
        self._given_out.clear()
        return released

    def drop(self) -> None:
        """Forget what is held back, as the end of the machine would, and hold nothing back any more."""
        self._closed = True
        self._held.clear()
        self._given_out.clear()

    def _onto(self, key: Hashable, event: ProcessEvent, now: float) -> tuple[Release, ...]:
        """The event in one with that of its key which is held back, or in its place when that has to go out first."""
        pending = self._held[key]
        joined = pending.joined(event, self._policy)
        if joined is not None:
            self._held[key] = joined
            return ()
        released = self._give_out({key, *self._before(pending.event)}, now)
        self._held[key] = _Held(event, until=now + self._min_interval)
        return released

    def _before(self, event: ProcessEvent) -> Set[Hashable]:
        """The keys of what must go out before the event does."""
        if not self._policy.barrier(event.data):
            return frozenset()
        return {key for key, held in self._held.items() if held.event.intent < event.intent}

    def _give_out(self, keys: Set[Hashable], now: float) -> tuple[Release, ...]:
        self._given_out.update(dict.fromkeys(keys, now))
        held = sorted((self._held.pop(key) for key in keys), key=lambda one: one.event.intent)
        return tuple(one.release() for one in held)

    def _forget_old(self, now: float) -> None:
        self._given_out = {key: at for key, at in self._given_out.items() if at + self._min_interval > now}


def _ends(event: ProcessEvent) -> bool:
    """Whether it is the last of its process."""
    data = event.data
    return isinstance(data, ProcessCompleted) or (isinstance(data, ProcessError) and not data.recoverable)
