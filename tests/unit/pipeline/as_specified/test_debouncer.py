"""The specification's debouncer, line by line: what it holds back, what it overwrites, what it forgets."""

import asyncio
from typing import Any

import pytest

from harness.clock import SteerableClock
from harness.errors import InsertFailed
from harness.pipeline.as_specified.debouncer import DEFAULT_CATEGORY, DEFAULT_PRIORITY, Debouncer, Said
from tests.instant import InstantClock, run


def said(number: int, *, event_type: str = "section_chunk", process_id: str = "p") -> Said:
    return Said(
        event_id=f"e{number}",
        process_id=process_id,
        intent=number,
        meant=event_type,
        event_type=event_type,
        event_data={},
        category="generation",
        priority=1,
    )


class Published:
    """Notes when each event came out; takes `takes_s` for each, and raises `fault` if there is one."""

    def __init__(self, *, takes_s: float = 0.0) -> None:
        self.events: list[tuple[float, str]] = []
        self.overwrites: list[tuple[str, str]] = []
        self.envelopes: list[tuple[str, int, bool]] = []
        self.fault: Exception | None = None
        self._takes_s = takes_s

    async def publish_event(self, said: Said, *, awaited: bool = True) -> None:
        self.events.append((round(InstantClock().now(), 3), said.event_id))
        self.envelopes.append((said.category, said.priority, awaited))
        await InstantClock().sleep(self._takes_s)
        if self.fault is not None:
            raise self.fault

    def overwritten(self, said: Said, by: Said) -> None:
        self.overwrites.append((said.event_id, by.event_id))


def a_debouncer(publisher: Published, *, clock: SteerableClock | None = None) -> Debouncer:
    debouncer = Debouncer(clock if clock is not None else InstantClock())
    debouncer.event_publisher = publisher
    return debouncer


def test_the_first_goes_out_at_once_and_the_next_at_the_end_of_the_interval() -> None:
    async def story() -> Published:
        published = Published()
        debouncer = a_debouncer(published)
        await debouncer.debounced_publish(said(1))
        await InstantClock().sleep(0.05)
        await debouncer.debounced_publish(said(2))
        await InstantClock().sleep(1.0)
        return published

    assert run(story()).events == [(0.0, "e1"), (0.2, "e2")]


def test_later_events_do_not_move_the_deadline() -> None:
    async def story() -> Published:
        published = Published()
        debouncer = a_debouncer(published)
        for number in range(1, 5):
            await debouncer.debounced_publish(said(number))
            await InstantClock().sleep(0.05)
        await InstantClock().sleep(1.0)
        return published

    published = run(story())

    assert published.events == [(0.0, "e1"), (0.2, "e4")]
    assert published.overwrites == [("e2", "e3"), ("e3", "e4")]


def test_other_types_and_other_processes_go_their_own_way() -> None:
    async def story() -> Published:
        published = Published()
        debouncer = a_debouncer(published)
        for one in (said(1), said(2, event_type="heartbeat"), said(3, process_id="q")):
            await debouncer.debounced_publish(one)
        return published

    assert [event for _, event in run(story()).events] == ["e1", "e2", "e3"]


def test_a_forced_event_overtakes_what_is_pending() -> None:
    async def story() -> Published:
        published = Published()
        debouncer = a_debouncer(published)
        await debouncer.debounced_publish(said(0))
        await debouncer.debounced_publish(said(8))
        await debouncer.debounced_publish(said(9), force_immediate=True)
        await InstantClock().sleep(1.0)
        return published

    assert [event for _, event in run(story()).events] == ["e0", "e9", "e8"]


def test_category_and_priority_are_lost() -> None:
    async def story() -> Published:
        published = Published()
        debouncer = a_debouncer(published)
        await debouncer.debounced_publish(said(1))
        await debouncer.debounced_publish(said(2))
        await InstantClock().sleep(1.0)
        return published

    assert run(story()).envelopes == [
        (DEFAULT_CATEGORY, DEFAULT_PRIORITY, True),
        (DEFAULT_CATEGORY, DEFAULT_PRIORITY, False),
    ]


def test_all_are_due_while_one_is_being_published() -> None:
    async def story() -> Published:
        published = Published(takes_s=10.0)
        debouncer = a_debouncer(published)
        waiting = [asyncio.create_task(debouncer.debounced_publish(said(number))) for number in range(20)]
        await asyncio.gather(*waiting)
        return published

    assert len(run(story()).events) == 20


def test_a_clock_that_is_set_back_an_hour_holds_an_event_back_for_an_hour() -> None:
    async def story() -> Published:
        published, clock = Published(), SteerableClock(InstantClock())
        debouncer = a_debouncer(published, clock=clock)
        await debouncer.debounced_publish(said(1))
        clock.jump(-3600.0)
        await debouncer.debounced_publish(said(2))
        await InstantClock().sleep(4000.0)
        return published

    assert run(story()).events == [(0.0, "e1"), (3600.2, "e2")]


def test_a_clock_that_is_set_forward_lets_everything_out() -> None:
    async def story() -> Published:
        published, clock = Published(), SteerableClock(InstantClock())
        debouncer = a_debouncer(published, clock=clock)
        for number in range(5):
            await debouncer.debounced_publish(said(number))
            clock.jump(1.0)
        return published

    assert [at for at, _ in run(story()).events] == [0.0] * 5


def test_a_cancelled_timer_takes_its_successor_out_of_the_books() -> None:
    async def story() -> tuple[int, int]:
        debouncer = a_debouncer(Published())
        for number in range(3):
            await debouncer.debounced_publish(said(number))
            await InstantClock().sleep(0.01)
        return len(debouncer.debounce_tasks), len(debouncer.timers())

    assert run(story()) == (0, 1)


def test_an_error_of_a_delayed_event_is_heard_by_nobody() -> None:
    async def story() -> tuple[Published, Debouncer]:
        published = Published()
        debouncer = a_debouncer(published)
        await debouncer.debounced_publish(said(1))
        await debouncer.debounced_publish(said(2))
        published.fault = InsertFailed("refused")
        await InstantClock().sleep(1.0)
        return published, debouncer

    published, debouncer = run(story())

    assert [event for _, event in published.events] == ["e1", "e2"]
    assert (debouncer.pending_events, debouncer.timers()) == ({}, frozenset())


def test_an_error_of_an_event_that_is_due_is_raised_and_the_next_is_due_again() -> None:
    async def story() -> Published:
        published = Published()
        debouncer = a_debouncer(published)
        published.fault = InsertFailed("refused")
        for number in range(2):
            with pytest.raises(InsertFailed):
                await debouncer.debounced_publish(said(number))
        return published

    assert run(story()).events == [(0.0, "e0"), (0.0, "e1")]


def test_closing_drops_what_is_pending() -> None:
    async def story() -> tuple[Published, Debouncer]:
        published = Published()
        debouncer = a_debouncer(published)
        await debouncer.debounced_publish(said(1))
        await debouncer.debounced_publish(said(2))
        await debouncer.close()
        await InstantClock().sleep(1.0)
        return published, debouncer

    published, debouncer = run(story())

    assert [event for _, event in published.events] == ["e1"]
    assert debouncer.timers() == frozenset()


def test_timers_are_told_by_process() -> None:
    async def story() -> tuple[int, int, int]:
        debouncer = a_debouncer(Published())
        for process_id in "ppqq":
            await debouncer.debounced_publish(said(1, process_id=process_id))
        counted = len(debouncer.timers("p")), len(debouncer.timers("x")), len(debouncer.timers())
        await debouncer.close()
        return counted

    assert run(story()) == (1, 0, 2)


def test_a_fault_of_the_harness_itself_is_not_swallowed() -> None:
    async def story() -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        published = Published()
        debouncer = a_debouncer(published)
        await debouncer.debounced_publish(said(1))
        await debouncer.debounced_publish(said(2))
        published.fault = KeyError("a bug")
        await InstantClock().sleep(1.0)
        return told

    (told,) = run(story())

    assert isinstance(told["exception"], KeyError)
