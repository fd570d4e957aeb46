"""D-2: one key for a type, not for a thing: an image replaces another image, a question another question."""

from typing import Final

import pytest

from harness.events.types import EventData
from tests.defects.stage import Desk, accused, completed, image, reference, research
from tests.instant import run

DEFECT: Final = "D-2"
CASES: Final = pytest.mark.parametrize(
    ("events", "key", "all_of_them", "what_is_left"),
    [
        ([image(name) for name in "abc"], "placeholder_id", ["a", "b", "c"], ["a", "c"]),
        ([completed(number) for number in range(3)], "section_index", [0, 1, 2], [0, 2]),
        ([research(number) for number in (1, 2, 3)], "query_index", [1, 2, 3], [1, 3]),
    ],
    ids=["images", "sections", "queries"],
)


async def told(desk: Desk, events: list[EventData], key: str) -> list[object]:
    for event in events:
        await desk.say(event)
        await desk.wait(0.05)
    await desk.wait(1.0)
    return await desk.fields(key)


@CASES
def test_the_accused_loses_the_one_in_the_middle(
    events: list[EventData], key: str, all_of_them: list[object], what_is_left: list[object]
) -> None:
    async def story() -> list[object]:
        return await told(await accused(), events, key)

    assert run(story()) == what_is_left


@CASES
def test_the_reference_tells_of_each_thing(
    events: list[EventData], key: str, all_of_them: list[object], what_is_left: list[object]
) -> None:
    async def story() -> list[object]:
        return await told(await reference(), events, key)

    assert run(story()) == all_of_them
