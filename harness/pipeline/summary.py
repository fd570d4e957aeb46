"""What the tables say of a process at rest, in the form in which a reader's `view` says what it shows.

Beside the line: the truth that convergence and content are judged against. It reads the rows themselves and uses
nothing of the reducer, so that a fault of the reducer cannot hide.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from harness.events.event import text_hash
from harness.pipeline.store import Row, Store

PAGE = 1000


async def summary(store: Store, process_id: str) -> Mapping[str, Any]:
    """The `database` op of docs/history.md; raises `StoreError`."""
    state = await store.state(process_id) or {}
    content = await store.content(process_id)
    return {
        "process_id": process_id,
        "status": state.get("status"),
        "current_step": state.get("current_step"),
        "is_waiting_for_input": state.get("is_waiting_for_input"),
        "expected_user_input": state.get("expected_user_input"),
        "last_event_sequence": await store.last_sequence(process_id),
        "sections": sections([row async for row in _rows(store, process_id)]),
        "article_sha256": content.sha256 if content else None,
    }


def sections(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Per section the hash and length of its newest attempt's text: its chunks joined.

    Where cleanup has removed those, what was said to be its content when it was completed.
    """
    attempts: dict[int, int] = {}
    texts: dict[int, str] = {}
    for row in rows:
        told = row["event_data"]
        if row["event_type"] == "section_chunk":
            index = told["section_index"]
            if told["attempt"] != attempts.get(index):
                attempts[index], texts[index] = told["attempt"], ""
            texts[index] += told["html_chunk"]
        elif row["event_type"] == "section_completed":
            texts.setdefault(told["section_index"], told["content"])
    return [
        {"section_index": index, "sha256": text_hash(text), "chars": len(text)} for index, text in sorted(texts.items())
    ]


async def _rows(store: Store, process_id: str) -> Any:
    since, complete = 0, False
    while not complete:
        page = await store.events_since(process_id, since, limit=PAGE)
        for row in page.events:
            yield row
            since = row["event_sequence"]
        complete = page.complete
