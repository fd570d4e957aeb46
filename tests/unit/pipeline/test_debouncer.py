"""What is held back, for how long, and what becomes of it."""

from uuid import UUID

from harness.events.event import ProcessEvent
from harness.events.types import EventData, Heartbeat, ProcessCompleted, ProcessError, SectionChunk, StepCompleted
from harness.pipeline.debouncer import Debouncer, Release
from harness.pipeline.policies import POLICIES
from tests.instant import BEGIN

BEAT = Heartbeat(timestamp=BEGIN)
STEP = StepCompleted(step="editing")
ARTICLE = ProcessCompleted(article_id=UUID(int=1), title="t", content_sha256="s", content_chars=0)


def chunk(text: str, *, at: int, section: int = 0, attempt: int = 1, number: int = 0) -> SectionChunk:
    return SectionChunk(
        section_index=section,
        section_heading="h",
        attempt=attempt,
        chunk_index=number,
        offset=at,
        html_chunk=text,
        total_chars_generated=at + len(text),
        estimated_section_length=9,
        generation_progress=at,
    )


class Line:
    """A debouncer that is offered events with the intents 1, 2, 3 …"""

    def __init__(self, policy: str = "lossless") -> None:
        self.debouncer = Debouncer(POLICIES[policy])
        self.intent = 0

    def offer(self, data: EventData, now: float, *, at_once: bool = False, busy: bool = False) -> list[int]:
        self.intent += 1
        event = ProcessEvent(
            id=UUID(int=self.intent), process_id=UUID(int=0), intent=self.intent, emitted_at=BEGIN, data=data
        )
        return intents(self.debouncer.offer(event, now, at_once=at_once, busy=busy))


def intents(released: tuple[Release, ...]) -> list[int]:
    return [release.event.intent for release in released]


def decided(release: Release) -> list[tuple[int, str, int]]:
    return [(one.event.intent, one.outcome, one.into.int) for one in release.decided]


def test_the_first_goes_out_at_once_and_what_follows_when_the_interval_is_over() -> None:
    line = Line()

    first = line.offer(chunk("a", at=0), 10.0)
    second = line.offer(chunk("b", at=1), 10.1)
    early = line.debouncer.due(10.19)

    assert (first, second, early) == ([1], [], ())
    assert line.debouncer.next_deadline() == 10.2
    assert intents(line.debouncer.due(10.2)) == [2]
    assert line.debouncer.next_deadline() is None


def test_after_a_calm_interval_an_event_goes_out_at_once_again() -> None:
    line = Line()
    line.offer(chunk("a", at=0), 10.0)

    assert line.offer(chunk("b", at=1), 10.2) == [2]


def test_chunks_become_one_that_begins_where_the_first_does() -> None:
    line = Line()
    line.offer(chunk("a", at=0, number=0), 10.0)
    line.offer(chunk("b", at=1, number=1), 10.1)
    line.offer(chunk("cd", at=2, number=2), 10.15)

    (release,) = line.debouncer.due(10.2)

    joined = chunk("bcd", at=1, number=1)
    assert release.event.data == joined.model_copy(
        update={"chunks": 2, "total_chars_generated": 4, "generation_progress": 2}
    )
    assert decided(release) == [(2, "merged", 3), (3, "published", 3)]


def test_where_the_text_does_not_go_on_the_earlier_chunk_goes_out_first() -> None:
    line = Line()
    line.offer(chunk("a", at=0), 10.0)
    line.offer(chunk("b", at=1), 10.1)

    released = line.offer(chunk("z", at=7), 10.15)

    assert released == [2]
    assert line.debouncer.next_deadline() == 10.15 + 0.2


def test_of_two_heartbeats_the_later_stays() -> None:
    line = Line()
    line.offer(BEAT, 10.0)
    line.offer(BEAT, 10.1)
    line.offer(BEAT, 10.15)

    (release,) = line.debouncer.due(10.2)

    assert decided(release) == [(2, "replaced", 3), (3, "published", 3)]


def test_a_transition_takes_everything_before_it_in_the_order_that_was_meant() -> None:
    line = Line()
    for section in (0, 1):
        line.offer(chunk("a", at=0, section=section), 10.0)
    line.offer(chunk("b", at=1, section=1), 10.05)
    line.offer(chunk("b", at=1, section=0), 10.06)

    assert line.offer(STEP, 10.07) == [3, 4, 5]
    assert line.debouncer.held == 0


def test_what_falls_due_takes_what_was_meant_before_it() -> None:
    line = Line()
    line.offer(BEAT, 10.0)
    line.offer(chunk("a", at=0), 10.1)
    line.offer(chunk("b", at=1), 10.15)
    line.offer(BEAT, 10.16)

    assert intents(line.debouncer.due(10.2)) == [3, 4]


def test_what_is_meant_after_it_stays() -> None:
    line = Line()
    line.offer(BEAT, 10.0)
    line.offer(chunk("a", at=0), 10.1)
    line.offer(BEAT, 10.15)
    line.offer(chunk("b", at=1), 10.16)

    assert intents(line.debouncer.due(10.2)) == [3]
    assert line.debouncer.next_deadline() == 10.1 + 0.2


def test_what_may_not_wait_goes_out_whatever_the_policy_says() -> None:
    line = Line("latest-wins")
    line.offer(STEP, 10.0)

    assert line.offer(STEP, 10.1, at_once=True) == [2]


def test_a_slot_is_taken_when_an_event_is_given_out_and_not_when_it_was_due() -> None:
    line = Line()
    line.offer(chunk("a", at=0), 10.0)
    line.offer(chunk("b", at=1), 10.1)

    line.debouncer.due(10.5)

    assert line.offer(chunk("c", at=2), 10.69) == []
    assert line.debouncer.next_deadline() == 10.7


def test_after_the_end_of_its_process_nothing_is_held_back_or_kept() -> None:
    for end in (ARTICLE, ProcessError(error_type="unrecoverable", step="editing", message="m")):
        line = Line()
        line.offer(BEAT, 10.0)

        line.offer(end, 10.05)

        assert line.debouncer.keys(10.05) == 0
        assert line.offer(BEAT, 10.1) == [3]


def test_after_an_error_that_can_be_recovered_from_it_goes_on() -> None:
    line = Line()
    line.offer(BEAT, 10.0)
    line.offer(ProcessError(error_type="recoverable", step="editing", message="m"), 10.05)

    assert line.offer(BEAT, 10.1) == []


def test_keys_are_forgotten_when_their_interval_is_over() -> None:
    line = Line()
    for section in range(5):
        line.offer(chunk("a", at=0, section=section), 10.0)

    assert (line.debouncer.keys(10.1), line.debouncer.keys(10.2)) == (5, 0)


def test_closing_gives_everything_out_and_holds_nothing_back_any_more() -> None:
    line = Line()
    line.offer(BEAT, 10.0)
    line.offer(BEAT, 10.05)

    closing = line.debouncer.close(10.06)

    assert intents(closing) == [2]
    assert line.offer(BEAT, 10.07) == [3]


def test_what_is_dropped_is_gone() -> None:
    line = Line()
    line.offer(BEAT, 10.0)
    line.offer(BEAT, 10.05)

    line.debouncer.drop()

    assert (line.debouncer.held, line.debouncer.next_deadline(), line.debouncer.close(11.0)) == (0, None, ())


def test_latest_wins_lets_an_event_overtake_what_waits() -> None:
    line = Line("latest-wins")
    line.offer(chunk("a", at=0), 10.0)
    line.offer(chunk("b", at=1), 10.05)

    overtaking = line.offer(ARTICLE, 10.1)

    assert overtaking == [3]
    assert intents(line.debouncer.due(10.2)) == [2]


def test_while_a_write_is_under_way_what_may_be_held_back_is_and_is_due() -> None:
    line = Line()

    held = [line.offer(chunk("a", at=0), 10.0, busy=True), line.offer(chunk("b", at=1), 10.5, busy=True)]
    through = line.offer(STEP, 10.6, busy=True)

    assert (held, through) == ([[], []], [2, 3])


def test_what_waited_for_a_write_is_due_at_once() -> None:
    line = Line()
    line.offer(BEAT, 10.0, busy=True)

    assert line.debouncer.next_deadline() == 10.0
    assert intents(line.debouncer.due(10.0)) == [1]
