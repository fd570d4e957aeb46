"""Where the characters of a streamed text stand."""

from collections.abc import Mapping
from typing import Any

import pytest

from harness.lab.text import joined, kept, letters


def a_chunk(text: str, offset: int, *, section: int = 0, attempt: int = 1) -> tuple[str, Mapping[str, Any]]:
    return "p1", {"section_index": section, "attempt": attempt, "offset": offset, "html_chunk": text}


def test_chunks_are_put_where_they_begin_whatever_their_order() -> None:
    found = letters([a_chunk("dry", 4), a_chunk("tea ", 0), a_chunk("x", 0, section=1)])

    assert {place: joined(text) for place, text in found.items()} == {("p1", 0, 1): "tea dry", ("p1", 1, 1): "x"}


@pytest.mark.parametrize(
    ("published", "share"),
    [
        ([a_chunk("tea ", 0), a_chunk("dry!", 4)], 1.0),
        ([a_chunk("tea dry!", 0)], 1.0),
        ([a_chunk("dry!", 4)], 0.5),
        ([a_chunk("dry!", 0)], 0.0),
        ([a_chunk("tea ", 0, attempt=2), a_chunk("dry!", 4, section=1)], 0.0),
        ([], 0.0),
    ],
    ids=["all", "joined", "half", "elsewhere", "of another", "nothing"],
)
def test_text_counts_as_kept_only_where_it_belongs(
    published: list[tuple[str, Mapping[str, Any]]], share: float
) -> None:
    said = letters([a_chunk("tea ", 0), a_chunk("dry!", 4)])

    assert kept(said, letters(published)) == share


def test_without_text_there_is_no_share() -> None:
    assert kept({}, {}) is None
