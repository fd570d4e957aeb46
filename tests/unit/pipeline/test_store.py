"""When a page is complete."""

from typing import Any

import pytest

from harness.pipeline.store import Page, page


def rows(*sequences: int) -> list[dict[str, Any]]:
    return [{"event_sequence": sequence} for sequence in sequences]


@pytest.mark.parametrize(
    ("sequences", "last_sequence", "limit", "complete"),
    [
        ((), 0, 2, True),
        ((), 9, 2, True),
        ((1,), 1, 2, True),
        ((1, 2), 2, 2, True),
        ((1, 2), 3, 2, False),
        ((1,), 9, 2, True),
    ],
)
def test_a_page_is_complete_when_no_event_follows_it(
    sequences: tuple[int, ...], last_sequence: int, limit: int, complete: bool
) -> None:
    events = rows(*sequences)

    assert page(events, last_sequence=last_sequence, limit=limit) == Page(
        events=tuple(events), last_sequence=last_sequence, complete=complete
    )
