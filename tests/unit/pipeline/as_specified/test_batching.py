"""The 50 ms of the specification, with React's renders between them."""

import pytest

from harness.pipeline.as_specified.batching import BatchedUpdates


def test_updates_of_one_moment_are_applied_together_50_ms_after_their_render() -> None:
    updates = BatchedUpdates()
    updates.add({"a": 1, "b": 1}, 0.0)
    updates.add({"a": 2}, 0.001)

    updates.tick(0.0659)
    early = updates.applied()
    updates.tick(0.066)

    assert (early, updates.applied()) == ((), ({"a": 2, "b": 1},))


def test_each_render_with_updates_starts_the_time_anew() -> None:
    updates = BatchedUpdates()
    updates.add({"a": 1}, 0.0)
    updates.add({"b": 1}, 0.04)

    due: list[float] = []
    while (deadline := updates.next_deadline()) is not None and len(due) < 10:
        due.append(deadline)
        updates.tick(deadline)

    assert due == pytest.approx([0.056, 0.106, 0.122])
    assert updates.applied() == ({"a": 1, "b": 1},)


def test_what_was_set_since_the_render_is_in_neither_the_batch_nor_the_list() -> None:
    updates = BatchedUpdates()
    updates.add({"a": 1}, 0.0)
    updates.add({"b": 1}, 0.06)

    updates.tick(1.0)

    assert updates.applied() == ({"a": 1},)


def test_nothing_to_apply_is_applied_never() -> None:
    updates = BatchedUpdates()

    updates.tick(1.0)

    assert (updates.applied(), updates.next_deadline()) == ((), None)
