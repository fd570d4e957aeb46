"""The event as a prop, render by render."""

from harness.pipeline.as_specified.memo_handler import MemoHandler

FIRST, SECOND = {"id": "1"}, {"id": "2"}


def test_an_event_is_processed_at_the_next_render() -> None:
    handler = MemoHandler()
    handler.give(FIRST, 0.0)
    due = handler.next_deadline()

    handler.tick(0.015)
    early = handler.processed()
    handler.tick(0.016)

    assert (due, early, handler.processed(), handler.next_deadline()) == (0.016, (), (FIRST,), None)


def test_of_two_events_in_one_render_the_last_is_processed() -> None:
    handler = MemoHandler()
    handler.give(FIRST, 0.0)
    handler.give(SECOND, 0.01)

    handler.tick(1.0)

    assert handler.processed() == (SECOND,)


def test_events_of_two_renders_are_both_processed() -> None:
    handler = MemoHandler()
    handler.give(FIRST, 0.0)
    handler.give(SECOND, 0.02)

    handler.tick(1.0)

    assert handler.processed() == (FIRST, SECOND)


def test_the_same_id_again_runs_no_effect() -> None:
    handler = MemoHandler()
    for now in (0.0, 1.0, 2.0):
        handler.give(FIRST, now)

    handler.tick(3.0)

    assert handler.processed() == (FIRST,)
