from harness.checkers import Content, Finding, Valid, Verdict
from harness.history import Op
from tests.histories.literal import (
    OWNER,
    STRANGER,
    a_history,
    an_op,
    applied,
    database,
    debounced,
    emitted,
    source,
    started,
    subscribed,
    text,
    view,
)

WRITTEN = source(0, sha256="aa", chars=10)
DONE = emitted(9, event_type="process_completed")


def kinds(*ops: Op) -> list[str]:
    return [finding.what for finding in Content().check(a_history(*ops)).findings]


def test_text_that_differs_is_convicted() -> None:
    history = a_history(WRITTEN, DONE, view("reader", sections=[text(0, sha256="bb", chars=9)]))

    assert Content().check(history) == Verdict.invalid(
        Finding(
            "section_differs",
            (history[0], history[2]),
            {
                "reader": "reader",
                "process_id": "p1",
                "section_index": 0,
                "attempt": 1,
                "written": {"sha256": "aa", "chars": 10},
                "shown": {"sha256": "bb", "chars": 9},
            },
        )
    )


def test_text_that_is_the_same_is_valid() -> None:
    history = a_history(WRITTEN, DONE, view("reader", sections=[text(0, sha256="aa", chars=10)]))

    assert Content().check(history).valid is Valid.YES


def test_a_section_that_is_not_shown_is_convicted() -> None:
    assert kinds(WRITTEN, DONE, view("reader", sections=[])) == ["section_missing"]


def test_the_last_attempt_counts() -> None:
    again = source(0, sha256="cc", chars=12, attempt=2)

    assert kinds(WRITTEN, again, DONE, view("reader", sections=[text(0, sha256="cc", chars=12)])) == []
    assert kinds(WRITTEN, again, DONE, view("reader", sections=[text(0, sha256="aa", chars=10)])) == ["section_differs"]


def test_a_section_that_is_still_being_written_is_not_compared() -> None:
    begun = source(1, sha256="dd", chars=20)
    shown = view("reader", sections=[text(0, sha256="aa", chars=10), text(1, sha256="half", chars=9)])

    assert kinds(WRITTEN, begun, shown) == []


def test_a_reader_that_left_says_so_or_may_not_see_it_is_not_compared() -> None:
    leave = an_op("left", "leave", process_id="p1")
    readers = [subscribed("left"), subscribed("stale"), subscribed("spy", user=STRANGER)]
    views = [view("left", sections=[]), leave, view("stale", stale=True, sections=[]), view("spy", sections=[])]

    verdict = Content().check(a_history(started(owner=OWNER), *readers, WRITTEN, DONE, *views))

    assert verdict.valid is Valid.UNKNOWN


def test_an_event_that_arrived_with_other_data_is_convicted() -> None:
    assert kinds(emitted(1), applied("reader", sequence=1, content="other")) == ["event_changed"]


def test_an_event_that_carries_others_may_have_other_data() -> None:
    ops = emitted(1), emitted(2), debounced(1, "merged", into=2), applied("reader", sequence=2, content="both")

    assert kinds(*ops) == []


def test_an_article_that_is_not_the_one_in_the_tables_is_convicted() -> None:
    shown = view("reader", sections=[], article_sha256="bb")

    assert kinds(database(article_sha256="aa"), shown) == ["article_differs"]
    assert kinds(database(article_sha256="bb"), shown) == []


def test_text_without_a_view_is_unknown() -> None:
    history = a_history(WRITTEN, DONE, emitted(1), applied("reader", sequence=1))

    assert Content().check(history) == Verdict.unknown(
        "text was written, but no reader's view of a finished section is in the history"
    )


def test_an_empty_history_is_unknown() -> None:
    assert Content().check(a_history()).valid is Valid.UNKNOWN
