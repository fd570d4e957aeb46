"""Where each character of a streamed text stands, as it was said and as it was published."""

from collections.abc import Iterable, Mapping
from typing import Any

Place = tuple[str, int, int]
"""A process, a section, an attempt at it."""
Letters = Mapping[int, str]
"""Where a character begins → the character."""


def letters(chunks: Iterable[tuple[str, Mapping[str, Any]]]) -> Mapping[Place, Letters]:
    """(process, data of a `section_chunk`) → the characters of each place; the first that comes to one stays."""
    found: dict[Place, dict[int, str]] = {}
    for process_id, data in chunks:
        place = found.setdefault((process_id, data["section_index"], data["attempt"]), {})
        for at, letter in enumerate(data["html_chunk"], start=data["offset"]):
            place.setdefault(at, letter)
    return found


def joined(found: Letters) -> str:
    """The characters in their order, whatever is missing between them."""
    return "".join(found[at] for at in sorted(found))


def kept(said: Mapping[Place, Letters], published: Mapping[Place, Letters]) -> float | None:
    """The share of the characters that are published where they belong; None if there was no text."""
    total = sum(len(text) for text in said.values())
    if not total:
        return None
    there = sum(
        published.get(place, {}).get(at) == letter for place, text in said.items() for at, letter in text.items()
    )
    return there / total
