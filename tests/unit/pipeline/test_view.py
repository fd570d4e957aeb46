"""What a reader shows at its end, and what it complains of."""

from dataclasses import replace
from uuid import UUID

from harness.events.event import text_hash
from harness.events.types import ProcessCompleted
from harness.pipeline.app_api import Article
from harness.pipeline.reducer import Facts, ProcessState, Section
from harness.pipeline.view import complaints, view

ARTICLE = Article(article_id="a", title="Tea", content="text", sha256="what the application says")
ENDED = ProcessState(
    article=ProcessCompleted(article_id=UUID(int=1), title="Tea", content_sha256=text_hash("text"), content_chars=4)
)


def test_the_view_has_what_the_database_op_has() -> None:
    state = ProcessState(
        facts=Facts(
            status="waiting", current_step="editing", is_waiting_for_input=True, expected_user_input="APPROVE_PLAN"
        ),
        last_event_sequence=9,
        sections={1: Section(heading="B", text="木"), 0: Section(heading="A")},
    )

    assert view(state, ARTICLE, stale=True) == {
        "status": "waiting",
        "current_step": "editing",
        "is_waiting_for_input": True,
        "expected_user_input": "APPROVE_PLAN",
        "last_event_sequence": 9,
        "stale": True,
        "sections": [
            {"section_index": 0, "sha256": text_hash(""), "chars": 0},
            {"section_index": 1, "sha256": text_hash("木"), "chars": 1},
        ],
        "article_sha256": text_hash("text"),
    }


def test_without_an_article_there_is_no_hash() -> None:
    assert view(ProcessState(), None, stale=False)["article_sha256"] is None


def test_a_sound_view_has_no_complaints() -> None:
    assert complaints(ENDED, ARTICLE, article_failure="") == []
    assert complaints(ProcessState(), None, article_failure="not fetched yet") == []


def test_a_broken_section_a_missing_and_a_wrong_article_are_complaints() -> None:
    broken = replace(ENDED, sections={0: Section(heading="A", broken="cut")})
    other = ARTICLE.model_copy(update={"content": "other"})

    assert complaints(broken, None, article_failure="404") == ["section 0: cut", "article: 404"]
    assert complaints(broken, other, article_failure="") == [
        "section 0: cut",
        "article: its hash is not the one that process_completed told",
    ]
