"""The recovery machine under every interleaving: each event once, in order, and nothing lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations_with_replacement, permutations
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.events.event import ProcessEvent
from harness.events.types import Heartbeat
from harness.pipeline.reader_status import Status
from harness.pipeline.recovery import Action, Answer, Apply, Fetch, GapPermanent, Recovery, Rejoin

AT = datetime(2025, 1, 31, 12, tzinfo=UTC)


def an_event(sequence: int) -> ProcessEvent:
    return ProcessEvent(
        id=UUID(int=sequence),
        process_id=UUID(int=0),
        intent=0,
        emitted_at=AT,
        data=Heartbeat(timestamp=AT),
        sequence=sequence,
    )


@dataclass(kw_only=True)
class World:
    """A table, a wire that may lose, double and reorder, and one reader. `deleted` rows are numbered, then gone."""

    deleted: frozenset[int] = frozenset()
    page_size: int = 2
    now: float = 0.0
    last: int = 0
    subscribed: bool = False
    told_ready: bool = False
    recovery: Recovery = field(default_factory=lambda: Recovery(Random(1)))
    wire: list[int] = field(default_factory=list)
    asked: int | None = None
    read: tuple[list[int], int, bool] | None = None
    said: list[Action] = field(default_factory=list)
    to_rejoin: bool = False

    def commit(self) -> None:
        self.last += 1
        if self.subscribed and self.last not in self.deleted:
            self.wire.append(self.last)

    def connect(self) -> None:
        """A new socket: what the old one was subscribed to is gone."""
        self.subscribed = self.told_ready = False
        self.wire.clear()
        self.recovery.connecting()

    def subscribe(self) -> None:
        self.subscribed = True

    def ready(self) -> None:
        if self.subscribed:
            self.told_ready = True
            self.recovery.ready(self.now)

    def disconnect(self) -> None:
        self.subscribed = self.told_ready = False
        self.wire.clear()
        self.recovery.disconnected()

    def deliver(self, place: int = 0, *, keep: bool = False) -> None:
        if self.wire:
            place %= len(self.wire)
            sequence = self.wire[place] if keep else self.wire.pop(place)
            self.recovery.received(an_event(sequence), self.now)

    def lose(self) -> None:
        if self.wire:
            self.wire.pop()

    def read_page(self) -> None:
        """The server looks; its answer is still on the way."""
        if self.asked is not None and self.read is None:
            rows = [n for n in range(self.asked + 1, self.last + 1) if n not in self.deleted]
            page = rows[: self.page_size]
            self.read = (page, self.last, len(rows) <= self.page_size)

    def answer(self) -> None:
        if self.read is not None:
            (page, last, complete), self.read, self.asked = self.read, None, None
            events = [an_event(n) for n in page]
            self.recovery.page(events, last_sequence=last, complete=complete, now=self.now)

    def fail(self) -> None:
        if self.asked is not None:
            self.asked = self.read = None
            self.recovery.fetch_failed("500", self.now)

    def wait(self) -> None:
        self.now += 0.3
        self.recovery.tick(self.now)

    def listen(self) -> None:
        """Take what the machine says; a question while one is open would be a fault of the machine."""
        for action in self.recovery.actions():
            self.said.append(action)
            if isinstance(action, Fetch):
                assert self.asked is None
                self.asked = action.since
            self.to_rejoin = self.to_rejoin or isinstance(action, Rejoin)

    def do(self, step: str, place: int = 0) -> None:
        match step:
            case "deliver":
                self.deliver(place)
            case "double":
                self.deliver(place, keep=True)
            case _:
                STEPS[step](self)
        self.listen()

    def settle(self) -> None:
        """No more faults: online, all is delivered and answered, every deadline met, until the cursor is at the end.

        Ready is not said a second time, as that would fetch what the machine ought to have fetched before.
        """
        for step in ("connect", "subscribe", "ready") if not self.told_ready else ():
            self.do(step)
        while self.wire:
            self.do("deliver")
        for _ in range(200):
            self.do("read_page")
            self.do("answer")
            if self.asked is None and self.recovery.status is Status.LIVE and self.recovery.cursor == self.last:
                return
            if self.to_rejoin:
                self.to_rejoin = False
                for step in ("connect", "subscribe", "ready"):
                    self.do(step)
            deadline = self.recovery.next_deadline()
            if self.asked is None and deadline is not None:
                self.now = max(self.now, deadline)
                self.recovery.tick(self.now)
                self.listen()
        raise AssertionError(f"did not settle: {self.recovery.status}, cursor {self.recovery.cursor} of {self.last}")

    def applied(self) -> list[int]:
        return [action.cursor for action in self.said if isinstance(action, Apply)]

    def permanent(self) -> list[int]:
        gaps = [action for action in self.said if isinstance(action, GapPermanent)]
        return [n for gap in gaps for n in range(gap.after + 1, gap.before)]


STEPS = {
    "commit": World.commit,
    "connect": World.connect,
    "subscribe": World.subscribe,
    "ready": World.ready,
    "disconnect": World.disconnect,
    "lose": World.lose,
    "read_page": World.read_page,
    "answer": World.answer,
    "fail": World.fail,
    "wait": World.wait,
}
FIRST = ("connect", "subscribe", "ready", "read_page", "answer", "read_page", "answer")
"""The recovery sequence; events are inserted before, between and after its steps."""
INTERRUPTED = ("connect", "subscribe", "ready", "read_page", "disconnect", *FIRST[:3], "answer", "read_page", "answer")
"""The connection is lost and found again while a fetch is under way."""


def run_with_inserts(
    steps: Sequence[str], places: Sequence[int], order: Sequence[int], *, double: bool, late: bool
) -> World:
    """Commit an event at each of `places`; what is on the wire comes in `order`, at once or after all the rest."""
    world = World()
    for at, step in enumerate((*steps, "")):
        for _ in range(places.count(at)):
            world.do("commit")
        if not late:
            deliver_all(world, order, double=double)
        if step:
            world.do(step)
    deliver_all(world, order, double=double)
    world.settle()
    return world


def deliver_all(world: World, order: Sequence[int], *, double: bool) -> None:
    waiting = [world.wire[place] for place in order if place < len(world.wire)]
    for sequence in waiting:
        place = world.wire.index(sequence)
        if double:
            world.do("double", place)
        world.do("deliver", place)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("sequence", [FIRST, INTERRUPTED])
def test_three_events_at_every_point_of_the_recovery_in_every_order(
    sequence: Sequence[str], double: bool, late: bool
) -> None:
    for places in combinations_with_replacement(range(len(sequence) + 1), 3):
        for order in permutations(range(3)):
            world = run_with_inserts(sequence, places, order, double=double, late=late)

            assert (world.applied(), world.permanent()) == ([1, 2, 3], []), (places, order)
            assert world.now < 5.0, "found only because of the silence"


steps = st.lists(st.tuples(st.sampled_from([*STEPS, "deliver", "double"]), st.integers(0, 5)), max_size=60)


@given(steps)
def test_whatever_happens_each_event_is_applied_once_and_in_order(chosen: list[tuple[str, int]]) -> None:
    world = World()
    for step, place in chosen:
        world.do(step, place)
        assert world.applied() == list(range(1, world.recovery.cursor + 1))

    world.settle()

    assert (world.applied(), world.permanent()) == (list(range(1, world.last + 1)), [])
    assert (world.recovery.answer, world.recovery.behind) == (Answer.COMPLETE, False)


@given(steps, st.frozensets(st.integers(1, 12), max_size=6))
def test_what_was_deleted_is_reported_once_and_the_rest_applied(
    chosen: list[tuple[str, int]], deleted: frozenset[int]
) -> None:
    world = World(deleted=deleted)
    for step, place in chosen:
        world.do(step, place)

    world.settle()

    numbered = range(1, world.last + 1)
    assert world.applied() == [n for n in numbered if n not in deleted]
    assert world.permanent() == [n for n in numbered if n in deleted]


@given(steps)
def test_a_second_recovery_without_new_events_brings_nothing(chosen: list[tuple[str, int]]) -> None:
    world = World()
    for step, place in chosen:
        world.do(step, place)
    world.settle()
    before = world.applied()

    world.do("disconnect")
    world.settle()

    assert world.applied() == before
