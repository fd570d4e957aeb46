"""What the tables say at rest: the state row, and the text of each section from the rows themselves."""

from collections.abc import Mapping
from typing import Any

import pytest

from harness.events.event import text_hash
from harness.pipeline.store import Content, Page, Row, page
from harness.pipeline.summary import PAGE, sections, summary
from tests.instant import run


def chunk(text: str, *, section: int = 0, attempt: int = 1) -> dict[str, Any]:
    return {
        "event_type": "section_chunk",
        "event_data": {"section_index": section, "attempt": attempt, "html_chunk": text},
    }


def completed(text: str, *, section: int = 0) -> dict[str, Any]:
    return {"event_type": "section_completed", "event_data": {"section_index": section, "content": text}}


def other() -> dict[str, Any]:
    return {"event_type": "heartbeat", "event_data": {}}


def told(section: int, text: str) -> dict[str, Any]:
    return {"section_index": section, "sha256": text_hash(text), "chars": len(text)}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([other(), chunk("茶"), chunk("と湯"), other()], [told(0, "茶と湯")]),
        ([chunk("b", section=1), chunk("a", section=0)], [told(0, "a"), told(1, "b")]),
        ([chunk("half", attempt=1), chunk("who", attempt=2), chunk("le", attempt=2)], [told(0, "whole")]),
        ([chunk("as it was written"), completed("as it was said")], [told(0, "as it was written")]),
        ([completed("kept"), chunk("new", section=1)], [told(0, "kept"), told(1, "new")]),
    ],
    ids=["nothing", "chunks joined", "by section", "the newest attempt", "chunks before the end", "chunks are gone"],
)
def test_a_section_is_its_chunks_or_where_they_are_gone_what_its_end_said(
    rows: list[dict[str, Any]], expected: list[dict[str, Any]]
) -> None:
    assert sections(rows) == expected


class Tables:
    """`rows` chunks of one section, a state row and perhaps an article."""

    def __init__(self, rows: int, *, state: Row | None = None, article: Content | None = None) -> None:
        self.rows = [{**chunk("x"), "event_sequence": number} for number in range(1, rows + 1)]
        self.row = state
        self.article = article
        self.limits: list[int] = []

    async def state(self, process_id: str) -> Row | None:
        return self.row

    async def content(self, process_id: str) -> Content | None:
        return self.article

    async def last_sequence(self, process_id: str) -> int:
        return len(self.rows)

    async def events_since(self, process_id: str, since: int, *, limit: int) -> Page:
        self.limits.append(limit)
        return page(self.rows[since : since + limit], last_sequence=len(self.rows), limit=limit)


def summed(tables: Tables) -> Mapping[str, Any]:
    return run(summary(tables, "p1"))  # type: ignore[arg-type]


def test_the_state_row_is_told_as_it_is_and_all_pages_are_read() -> None:
    row = {
        "status": "completed",
        "current_step": "completed",
        "is_waiting_for_input": False,
        "expected_user_input": None,
    }
    article = Content(article_id="a", process_id="p1", title="Tea", content="<p>x</p>", sha256="sha")
    tables = Tables(PAGE + 1, state={**row, "title": "Tea"}, article=article)

    assert summed(tables) == {
        "process_id": "p1",
        **row,
        "last_event_sequence": PAGE + 1,
        "sections": [told(0, "x" * (PAGE + 1))],
        "article_sha256": "sha",
    }
    assert tables.limits == [PAGE, PAGE]


def test_a_process_that_the_tables_do_not_know_has_nothing() -> None:
    assert summed(Tables(0)) == {
        "process_id": "p1",
        "status": None,
        "current_step": None,
        "is_waiting_for_input": None,
        "expected_user_input": None,
        "last_event_sequence": 0,
        "sections": [],
        "article_sha256": None,
    }
