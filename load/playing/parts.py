"""A part of the history on its way from a worker to the master: the file in compressed pieces.

The master asks for one piece after another, so that neither holds the whole, and heartbeats pass between them.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PIECE: Final = 1 << 20
"""Bytes of the file in one piece, before it is compressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """So much of a file: `data` is compressed, `next` the offset of the next piece, None if it was the last."""

    data: bytes
    next: int | None


def piece(path: Path, offset: int, *, size: int = PIECE) -> Piece:
    """The piece at `offset` of a file that is complete."""
    with path.open("rb") as file:
        file.seek(offset)
        found = file.read(size)
    return Piece(data=zlib.compress(found), next=offset + size if len(found) == size else None)


def append(path: Path, data: bytes) -> None:
    """Add a piece's data to the copy."""
    with path.open("ab") as file:
        file.write(zlib.decompress(data))
