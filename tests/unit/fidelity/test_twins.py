"""Recordings of both serializers of the same story say the same: the comparison finds nothing where nothing is."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harness.fidelity import library
from harness.fidelity.difference import Grade, compare
from harness.fidelity.frames import Frame, canonical, frames

AGREE = ["p01_basic", "p01b_legacy", "p02_changes", "p02b_types", "p03b_badfilters", "p04_auth", "p07_malformed"]


def neutral(name: str) -> Sequence[Frame]:
    """The frames without what the serializer alone decides."""
    heard = frames(library.read(library.known()[name]), known=frozenset())
    values = ({key: each for key, each in frame.value.items() if key not in ("form", "join_ref")} for frame in heard)
    return [replace(frame, value=value, text=canonical(value)) for frame, value in zip(heard, values, strict=True)]


@pytest.mark.parametrize("family", AGREE)
def test_version_1_and_version_2_of_a_story_have_the_same_data_and_words(family: str) -> None:
    found, pairs = compare(neutral(f"{family}.v1"), neutral(f"{family}.v2"))

    assert [difference for difference in found if difference.grade is not Grade.TIMING] == []
    assert pairs
