"""The debouncer under any sequence of offers: nothing lost, in order, in time; and a policy that fails at it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from harness.events.delivery_class import DeliveryClass, delivery_class
from harness.events.event import ProcessEvent
from harness.events.types import (
    EventData,
    Heartbeat,
    ImageGenerated,
    ProcessCompleted,
    ResearchProgress,
    SectionChunk,
    StepCompleted,
)
from harness.pipeline.debouncer import MIN_INTERVAL_S, Debouncer, Release
from harness.pipeline.policies import POLICIES
from harness.pipeline.policies.policy import Policy

AT = datetime(2026, 1, 1, tzinfo=UTC)
ROUNDING_S = 1e-9


@dataclass(frozen=True)
class Saying:
    """What is said, and how long after the saying before. `gap`: characters that the text leaves out before it.

    `busy`: something is still being written then.
    """

    kind: str
    after: float
    entity: int
    text: str
    gap: int
    busy: bool


SAYINGS = st.lists(
    st.builds(
        Saying,
        kind=st.sampled_from(["chunk", "chunk", "chunk", "beat", "research", "image", "step", "forced"]),
        after=st.sampled_from([0.0, 0.001, 0.05, 0.1, 0.19, 0.2, 0.21, 1.0]),
        entity=st.integers(0, 2),
        text=st.sampled_from(["a", "bc", "", "漢字"]),
        gap=st.sampled_from([0, 0, 0, 5]),
        busy=st.sampled_from([False, False, True]),
    ),
    max_size=30,
)


@dataclass
class World:
    """One process whose debouncer is called whenever it asks for it. `out` is what was published, and when."""

    policy: Policy
    debouncer: Debouncer = field(init=False)
    now: float = 100.0
    offered: list[tuple[float, ProcessEvent]] = field(default_factory=list)
    out: list[tuple[float, Release]] = field(default_factory=list)
    ends: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.debouncer = Debouncer(self.policy)

    def say(self, saying: Saying) -> None:
        self.pass_time(saying.after)
        self.offer(self.data(saying), at_once=saying.kind == "forced", busy=saying.busy)

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while (deadline := self.debouncer.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.publish(self.debouncer.due(self.now))
        self.now = until

    def offer(self, data: EventData, *, at_once: bool = False, busy: bool = False) -> None:
        number = len(self.offered) + 1
        event = ProcessEvent(id=UUID(int=number), process_id=UUID(int=0), intent=number, emitted_at=AT, data=data)
        self.offered.append((self.now, event))
        self.publish(self.debouncer.offer(event, self.now, at_once=at_once, busy=busy))

    def publish(self, released: Iterable[Release]) -> None:
        self.out += [(self.now, release) for release in released]

    def data(self, saying: Saying) -> EventData:
        match saying.kind:
            case "chunk":
                return self.chunk(saying)
            case "beat":
                return Heartbeat(timestamp=AT, active_connections=len(self.offered))
            case "research":
                return ResearchProgress(query_index=saying.entity + 1, total_queries=3, query=saying.text)
            case "image":
                return ImageGenerated(placeholder_id=str(saying.entity), image_url="u", gcs_path="p")
            case _:
                return StepCompleted(step=str(saying.entity))

    def chunk(self, saying: Saying) -> SectionChunk:
        place = (saying.entity // 2, 1 + saying.entity % 2)
        begin = self.ends[place] + saying.gap
        self.ends[place] = begin + len(saying.text)
        return SectionChunk(
            section_index=place[0],
            section_heading="h",
            attempt=place[1],
            chunk_index=len(self.offered),
            offset=begin,
            html_chunk=saying.text,
            total_chars_generated=self.ends[place],
            estimated_section_length=99,
            generation_progress=0,
        )


def played(policy: Policy, sayings: Sequence[Saying]) -> World:
    """Everything said and its time over, then the end of the process, then the end of the debouncer."""
    world = World(policy)
    for saying in sayings:
        world.say(saying)
    article = ProcessCompleted(article_id=UUID(int=0), title="t", content_sha256="s", content_chars=0)
    world.offer(article, at_once=True)
    world.pass_time(1.0)
    world.publish(world.debouncer.close(world.now))
    return world


def texts(events: Iterable[ProcessEvent]) -> dict[tuple[int, int], dict[int, str]]:
    """The characters of each attempt at a section, by where they begin."""
    found: dict[tuple[int, int], dict[int, str]] = defaultdict(dict)
    for event in events:
        if isinstance(event.data, SectionChunk):
            for place, letter in enumerate(event.data.html_chunk, start=event.data.offset):
                found[event.data.section_index, event.data.attempt][place] = letter
    return found


def joined(events: Iterable[ProcessEvent]) -> dict[tuple[int, int], str]:
    found: dict[tuple[int, int], str] = defaultdict(str)
    for event in events:
        if isinstance(event.data, SectionChunk):
            found[event.data.section_index, event.data.attempt] += event.data.html_chunk
    return found


def keeps_its_promises(world: World) -> bool:
    said, published = [event for _, event in world.offered], [release.event for _, release in world.out]
    transitions = [event for event in said if delivery_class(event.event_type) is DeliveryClass.TRANSITION]
    intents = [event.intent for event in published]
    return (
        joined(published) == joined(said)
        and texts(published) == texts(said)
        and [event for event in published if event in transitions] == transitions
        and intents == sorted(set(intents))
        and world.debouncer.held == 0
    )


@given(SAYINGS)
@settings(max_examples=500)
def test_lossless_loses_nothing_and_keeps_the_order(sayings: list[Saying]) -> None:
    assert keeps_its_promises(played(POLICIES["lossless"], sayings))


@given(SAYINGS)
def test_off_publishes_everything_as_it_is_said(sayings: list[Saying]) -> None:
    world = played(POLICIES["off"], sayings)

    assert [(at, release.event) for at, release in world.out] == world.offered


@given(SAYINGS)
def test_nothing_is_held_back_for_longer_than_the_interval(sayings: list[Saying]) -> None:
    world = played(POLICIES["lossless"], sayings)

    offered_at = {event.id: at for at, event in world.offered}
    waited = [at - offered_at[one.event.id] for at, release in world.out for one in release.decided]
    assert max(waited) <= MIN_INTERVAL_S + ROUNDING_S


@given(SAYINGS)
def test_every_event_is_decided_once_and_only_as_its_class_allows(sayings: list[Saying]) -> None:
    world = played(POLICIES["lossless"], sayings)

    decided = [one for _, release in world.out for one in release.decided]
    allowed = {"append": {"published", "merged"}, "latest": {"published", "replaced"}, "transition": {"published"}}
    assert sorted(one.event.intent for one in decided) == list(range(1, len(world.offered) + 1))
    assert all(one.outcome in allowed[delivery_class(one.event.event_type)] for one in decided)
    assert all(
        one.into == release.event.id and (one.outcome != "published" or one.event.id == one.into)
        for _, release in world.out
        for one in release.decided
    )


@given(SAYINGS)
def test_a_key_gives_out_one_event_per_interval_unless_something_had_to_go_before_another(
    sayings: list[Saying],
) -> None:
    calm = [saying for saying in sayings if saying.kind == "chunk" and not saying.gap and saying.entity == 0]

    world = played(POLICIES["lossless"], calm)

    times = [at for at, release in world.out if release.event.event_type == "section_chunk"]
    by_itself = times[: len(times) - 1]  # the last may have been driven out by the end of the process
    assert all(later - earlier >= MIN_INTERVAL_S - ROUNDING_S for earlier, later in pairwise(by_itself))


@given(SAYINGS, st.sampled_from(sorted(POLICIES)))
def test_nothing_is_kept_when_all_is_over(sayings: list[Saying], name: str) -> None:
    world = played(POLICIES[name], sayings)

    assert (world.debouncer.held, world.debouncer.next_deadline()) == (0, None)
    assert world.debouncer.keys(world.now) == 0


@pytest.mark.parametrize("name", ["latest-wins", "concatenate", "per-entity"])
def test_a_policy_that_breaks_the_promises_is_caught(name: str) -> None:
    counterexample = find(SAYINGS, lambda sayings: not keeps_its_promises(played(POLICIES[name], sayings)))

    assert counterexample
