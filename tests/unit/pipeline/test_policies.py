"""What each debounce policy does with two events: the lossless one as decided, the others as they are known for."""

from typing import Any

import pytest

from harness.errors import UsageError
from harness.events.types import EVENT_TYPES, EventData, Heartbeat, ImageGenerated, SectionChunk, StepCompleted
from harness.pipeline.policies import POLICIES, policy_named
from harness.pipeline.policies.policy import Joined
from tests.instant import BEGIN

BEAT = Heartbeat(timestamp=BEGIN)
COALESCED = ("section_chunk", "research_progress", "heartbeat")


def chunk(text: str, *, at: int = 0, section: int = 0, attempt: int = 1) -> SectionChunk:
    return SectionChunk(
        section_index=section,
        section_heading="h",
        attempt=attempt,
        chunk_index=0,
        offset=at,
        html_chunk=text,
        total_chars_generated=at + len(text),
        estimated_section_length=9,
        generation_progress=0,
    )


def image(name: str) -> ImageGenerated:
    return ImageGenerated(placeholder_id=name, image_url="u", gcs_path="p")


def text(joined: Joined | None) -> str:
    assert joined is not None
    assert isinstance(joined.data, SectionChunk)
    return joined.data.html_chunk


def test_policies_are_known_by_the_names_of_the_contract() -> None:
    assert {name: policy_named(name).name for name in POLICIES} == {name: name for name in POLICIES}
    assert set(POLICIES) == {"off", "lossless", "latest-wins", "concatenate", "per-entity"}


def test_a_policy_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"'best'.*lossless"):
        policy_named("best")


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_lossless_holds_back_what_may_be_coalesced_and_nothing_else(event_type: str) -> None:
    places: dict[str, Any] = {"section_index": 0, "attempt": 1, "query_index": 1}
    data = EVENT_TYPES[event_type].model_construct(None, **places)

    assert (POLICIES["lossless"].key(data) is not None) == (event_type in COALESCED)
    assert POLICIES["off"].key(data) is None


def test_lossless_knows_sections_and_attempts_apart() -> None:
    places = [chunk("a"), chunk("a", section=1), chunk("a", attempt=2)]

    assert len({POLICIES["lossless"].key(place) for place in places}) == 3


def test_lossless_joins_text_that_goes_on_and_no_other() -> None:
    lossless = POLICIES["lossless"]

    assert text(lossless.join(chunk("ab"), chunk("c", at=2))) == "abc"
    assert lossless.join(chunk("ab"), chunk("c", at=3)) is None
    assert lossless.join(BEAT, BEAT) == Joined(data=BEAT, outcome="replaced")


@pytest.mark.parametrize(
    ("name", "keys"), [("latest-wins", 1), ("concatenate", 1), ("per-entity", 2), ("lossless", 1), ("off", 1)]
)
def test_only_per_entity_and_lossless_know_one_image_from_another(name: str, keys: int) -> None:
    found = {POLICIES[name].key(data) for data in (image("a"), image("b"))}

    assert len(found) == keys
    assert (found == {None}) == (name in ("lossless", "off"))


@pytest.mark.parametrize(
    ("name", "expected"), [("latest-wins", "c"), ("per-entity", "c"), ("concatenate", "abc"), ("lossless", "abc")]
)
def test_what_becomes_of_two_chunks(name: str, expected: str) -> None:
    assert text(POLICIES[name].join(chunk("ab"), chunk("c", at=2))) == expected


def test_concatenate_puts_the_text_of_one_section_into_another() -> None:
    joined = POLICIES["concatenate"].join(chunk("ab"), chunk("c", section=1))

    assert joined is not None
    assert isinstance(joined.data, SectionChunk)
    assert (joined.data.section_index, joined.data.html_chunk) == (0, "abc")


@pytest.mark.parametrize("data", [BEAT, StepCompleted(step="editing"), chunk("a")])
@pytest.mark.parametrize("name", sorted(POLICIES))
def test_only_lossless_keeps_the_order(name: str, data: EventData) -> None:
    assert POLICIES[name].barrier(data) == (name == "lossless")


def test_off_joins_nothing() -> None:
    assert POLICIES["off"].join(BEAT, Heartbeat(timestamp=BEGIN)) is None
