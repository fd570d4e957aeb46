"""The chunks of a section."""

import pytest

from harness.pipeline.writing import section_chunks

TEXT = "<p>" + "札幌の冬は長く、" * 40 + "</p>\n"


@pytest.mark.parametrize("count", [1, 7, 100])
def test_chunks_joined_are_the_text_and_know_their_place(count: int) -> None:
    chunks = list(section_chunks(TEXT, count, index=2, heading="冬", attempt=3))

    assert "".join(chunk.html_chunk for chunk in chunks) == TEXT
    assert [chunk.chunk_index for chunk in chunks] == list(range(count))
    assert [chunk.offset for chunk in chunks] == [0, *(chunk.total_chars_generated for chunk in chunks[:-1])]
    assert [chunk.is_complete for chunk in chunks] == [False] * (count - 1) + [True]
    assert {(chunk.section_index, chunk.section_heading, chunk.attempt) for chunk in chunks} == {(2, "冬", 3)}


def test_progress_grows_to_a_hundred() -> None:
    progress = [chunk.generation_progress for chunk in section_chunks(TEXT, 9, index=0, heading="冬")]

    assert progress == sorted(progress)
    assert progress[-1] == 100
