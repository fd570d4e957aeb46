"""A file in pieces, and together again."""

from pathlib import Path

import pytest

from load.playing.parts import append, piece


@pytest.mark.parametrize("length", [0, 9, 10, 11, 20, 25])
def test_the_copy_is_the_file(length: int, tmp_path: Path) -> None:
    part, copy = tmp_path / "part", tmp_path / "copy"
    part.write_bytes(bytes(range(length)))
    offset: int | None = 0

    while offset is not None:
        found = piece(part, offset, size=10)
        append(copy, found.data)
        offset = found.next

    assert copy.read_bytes() == part.read_bytes()


def test_a_piece_is_smaller_than_what_it_holds(tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_text('{"time":1.5,"actor":"reader-1","f":"apply"}\n' * 100)

    found = piece(part, 0)

    assert (len(found.data) < 200, found.next) == (True, None)
