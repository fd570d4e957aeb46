from harness.checkers import Duplicates, Finding, Valid, Verdict
from harness.history import Op
from tests.histories.literal import a_history, an_op, applied, emitted, subscribed


def kinds(*ops: Op) -> list[str]:
    return [finding.what for finding in Duplicates().check(a_history(*ops)).findings]


def chunk(sequence: int, *, attempt: int = 1, content: str = "text") -> Op:
    return an_op(
        "app",
        "emit",
        process_id="p1",
        event_id=f"e{sequence}",
        event_type="section_chunk",
        intent=sequence,
        content=content,
        section_index=0,
        attempt=attempt,
        chunk_index=4,
    )


def test_an_event_applied_twice_is_convicted() -> None:
    history = a_history(emitted(1), applied("reader", sequence=1), applied("reader", sequence=1))

    verdict = Duplicates().check(history)

    detail = {"reader": "reader", "process_id": "p1", "event_id": "e1", "event_type": "step_update", "sequence": 1}
    assert verdict == Verdict.invalid(Finding("applied_twice", history[1:3], detail))
    assert verdict.looked_at == 2


def test_each_reader_and_each_process_may_apply_it_once() -> None:
    assert kinds(applied("a", sequence=1), applied("b", sequence=1), applied("a", sequence=1, process="p2")) == []


def test_a_page_that_is_mounted_anew_may_apply_it_again() -> None:
    again = an_op("reader", "remount", process_id="p1")

    assert kinds(subscribed("reader"), applied("reader", sequence=1), again, applied("reader", sequence=1)) == []


def test_another_id_with_the_same_intent_is_the_same_event() -> None:
    history = a_history(
        emitted(1, content="same"),
        emitted(2, intent=1, content="same"),
        applied("reader", sequence=1, content="same"),
        applied("reader", sequence=2, content="same"),
    )

    assert Duplicates().check(history) == Verdict.invalid(
        Finding(
            "same_event_again",
            history[2:4],
            {
                "reader": "reader",
                "process_id": "p1",
                "event_id": "e2",
                "event_type": "step_update",
                "sequence": 2,
                "other_event_id": "e1",
                "other_sequence": 1,
            },
        )
    )


def test_an_intent_that_is_given_twice_to_different_data_is_another_matter() -> None:
    assert kinds(emitted(1), emitted(2, intent=1), applied("reader", sequence=1), applied("reader", sequence=2)) == []


def test_a_piece_of_text_that_was_said_twice_is_the_same_event() -> None:
    twice = [applied("reader", sequence=number, content="text") for number in (1, 2)]

    assert kinds(chunk(1), chunk(2), *twice) == ["same_event_again"]


def test_a_new_attempt_at_the_same_text_is_not() -> None:
    twice = [applied("reader", sequence=number, content="text") for number in (1, 2)]

    assert kinds(chunk(1), chunk(2, attempt=2), *twice) == []


def test_a_row_that_nobody_emitted_is_the_copy_of_the_one_that_was() -> None:
    copy, original = (applied("reader", sequence=number, content="same") for number in (1, 2))

    assert kinds(emitted(2, content="same"), copy, original) == ["same_event_again"]


def test_the_same_data_may_be_meant_twice() -> None:
    ops = [emitted(1, content="same"), emitted(2, content="same")]

    assert kinds(*ops, *(applied("reader", sequence=number, content="same") for number in (1, 2))) == []


def test_rows_that_somebody_else_wrote_may_be_alike() -> None:
    assert kinds(*(applied("reader", sequence=number, content="same") for number in (1, 2))) == []


def test_a_history_in_which_nothing_was_applied_is_unknown() -> None:
    assert Duplicates().check(a_history(emitted(1))).valid is Valid.UNKNOWN
