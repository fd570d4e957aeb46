from dataclasses import replace
from typing import Any

import pytest

from harness.checkers import Finding, RateBound, Valid, Verdict
from harness.history import Op, Value
from tests.histories.literal import a_history, debounced, emitted, inserted

CHECKER = RateBound(interval_s=1.0, tolerance=0.25)


def said(sequence: int, *, at: float, kind: str = "section_chunk", held_back: str = "append", **place: Any) -> Op:
    op = emitted(sequence, event_type=kind, delivery_class=held_back, at=at)
    return replace(op, value=Value({**op.value, **({"section_index": 0, "attempt": 1} | place)}))


def written(sequence: int, *, at: float) -> Op:
    return replace(inserted(sequence, at=at), type="invoke")


def chunk(sequence: int, *, at: float, **more: Any) -> list[Op]:
    """A chunk that is said, let go and begun to be written at once."""
    return [said(sequence, at=at, **more), debounced(sequence, "published", into=sequence), written(sequence, at=at)]


def transition(sequence: int, *, at: float) -> list[Op]:
    return [emitted(sequence, event_type="section_completed", at=at), written(sequence, at=at)]


def convicted(*ops: Op) -> bool:
    return CHECKER.check(a_history(*ops)).valid is Valid.NO


def test_two_of_a_key_in_one_interval_are_convicted() -> None:
    history = a_history(*chunk(1, at=1.0), *chunk(2, at=1.5), *chunk(3, at=2.5), *chunk(4, at=3.0))

    verdict = CHECKER.check(history)

    assert verdict == Verdict.invalid(
        Finding(
            "too_often",
            (history[2], history[5]),
            {
                "process_id": "p1",
                "event_type": "section_chunk",
                "entity": "0, attempt 1",
                "apart_s": 0.5,
                "interval_s": 1.0,
                "times": 2,
                "of": 3,
            },
        )
    )
    assert verdict.looked_at == 3


@pytest.mark.parametrize(("apart", "expected"), [(0.5, True), (0.75, False), (1.0, False)])
def test_a_quarter_of_the_interval_is_tolerated(apart: float, expected: bool) -> None:
    assert convicted(*chunk(1, at=1.0), *chunk(2, at=1.0 + apart)) is expected


@pytest.mark.parametrize("other", [{"section_index": 1}, {"attempt": 2}, {"entity": "another"}])
def test_another_entity_is_another_key(other: dict[str, Any]) -> None:
    assert not convicted(*chunk(1, at=1.0), *chunk(2, at=1.25, **other))


def test_another_process_is_another_key() -> None:
    elsewhere = [replace(op, value=Value({**op.value, "process_id": "p2"})) for op in chunk(2, at=1.25)]

    assert not convicted(*chunk(1, at=1.0), *elsewhere)


@pytest.mark.parametrize(
    ("kind", "place", "expected"),
    [
        ("heartbeat", {}, True),
        ("research_progress", {}, False),
        ("research_progress", {"entity": "2"}, True),
        ("weather", {}, False),
    ],
    ids=["a type without entities", "an entity that is not told", "an entity that is told", "a type of somebody else"],
)
def test_what_does_not_tell_its_entity_is_not_looked_at(kind: str, place: dict[str, Any], expected: bool) -> None:
    def progress(sequence: int, at: float) -> list[Op]:
        op = replace(emitted(sequence, event_type=kind, delivery_class="latest", at=at))
        return [replace(op, value=Value({**op.value, **place})), written(sequence, at=at)]

    assert convicted(*progress(1, 1.0), *progress(2, 1.25)) is expected


def test_transitions_may_come_as_fast_as_they_are_said() -> None:
    def paused(sequence: int, at: float) -> list[Op]:
        return [emitted(sequence, event_type="process_paused", at=at), written(sequence, at=at)]

    assert CHECKER.check(a_history(*transition(1, at=1.0), *transition(2, at=1.1))).valid is Valid.UNKNOWN
    assert CHECKER.check(a_history(*paused(1, 1.0), *paused(2, 1.1))).valid is Valid.UNKNOWN


@pytest.mark.parametrize("at", [1.25, 1.5], ids=["in between", "at once after it"])
def test_a_barrier_excuses_what_it_forces_out(at: float) -> None:
    early, late = [said(2, at=1.2), *transition(3, at=at)], [written(2, at=1.5)]
    ops = sorted([*early, debounced(2, "published", into=2, at=1.5), *late], key=lambda op: op.time)

    assert not convicted(*chunk(1, at=1.0), *ops)


def test_a_barrier_before_or_long_after_excuses_nothing() -> None:
    pair = [*chunk(2, at=1.0), *chunk(3, at=1.5)]

    assert convicted(*transition(1, at=0.9), *pair)
    assert convicted(*pair, *transition(4, at=1.8))


def test_an_event_of_another_key_that_goes_out_excuses_too() -> None:
    beat = [emitted(3, event_type="heartbeat", delivery_class="latest", at=1.5), written(3, at=1.51)]

    assert not convicted(*chunk(1, at=1.0), *chunk(2, at=1.5), *beat)


def test_a_slow_database_that_lets_two_writes_come_close_is_not_the_debouncers_doing() -> None:
    waiting = [said(1, at=1.0), debounced(1, "published", into=1), said(2, at=2.0), debounced(2, "published", into=2)]

    assert not convicted(*waiting, written(1, at=5.0), written(2, at=5.1))


def test_what_is_written_far_apart_came_at_its_rate() -> None:
    waiting = [said(1, at=1.0), debounced(1, "published", into=1), said(2, at=1.2), debounced(2, "published", into=2)]

    assert not convicted(*waiting, written(1, at=1.3), written(2, at=2.3))


def test_a_transition_that_waits_for_its_turn_excuses_from_when_it_is_said() -> None:
    said_first = [*chunk(1, at=1.0), emitted(3, event_type="section_completed", at=1.2), *chunk(2, at=1.5)]

    assert not convicted(*said_first, written(3, at=9.0))


def test_a_second_attempt_at_a_write_is_no_second_event() -> None:
    again = replace(written(1, at=1.25), value=Value({**written(1, at=1.25).value, "attempt": 2}))

    assert CHECKER.check(a_history(*chunk(1, at=1.0), again)).valid is Valid.UNKNOWN


def test_an_application_that_tells_no_debounce_is_judged_by_its_writes() -> None:
    ops = [said(1, at=1.0), written(1, at=1.0), said(2, at=1.2), written(2, at=1.5)]

    assert convicted(*ops)


def test_an_empty_history_is_unknown() -> None:
    assert CHECKER.check(a_history()).valid is Valid.UNKNOWN
    assert CHECKER.check(a_history(*chunk(1, at=1.0))).valid is Valid.UNKNOWN
