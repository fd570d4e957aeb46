from typing import Any

import pytest

from harness.checkers import Convergence, Finding, Valid, Verdict
from harness.history import Op
from tests.histories.literal import (
    STRANGER,
    a_history,
    an_op,
    database,
    settled,
    started,
    subscribed,
    text,
    view,
)

REST = settled()


def judged(*ops: Op) -> Verdict:
    return Convergence().check(a_history(*ops))


def test_a_view_that_differs_is_convicted() -> None:
    history = a_history(REST, database(status="completed"), view("reader", status="running"))

    assert Convergence().check(history) == Verdict.invalid(
        Finding(
            "not_converged",
            (history[1], history[2]),
            {
                "reader": "reader",
                "process_id": "p1",
                "stale": False,
                "differs": {"status": {"shown": "running", "stored": "completed"}},
            },
        )
    )


def test_a_view_that_is_the_same_is_valid() -> None:
    same: dict[str, Any] = {
        "status": "completed",
        "sections": [text(0, sha256="a", chars=1), text(1, sha256="b", chars=2)],
    }
    turned = {**same, "sections": [text(1, sha256="b", chars=2), text(0, sha256="a", chars=1)]}

    assert judged(REST, database(**same), view("reader", **turned)).valid is Valid.YES


def test_keys_that_only_one_side_has_are_not_compared() -> None:
    assert judged(REST, database(status="x", row_count=3), view("reader", status="x", colour="red")).valid is Valid.YES


def test_saying_that_it_is_stale_does_not_make_a_view_right() -> None:
    verdict = judged(REST, database(status="completed"), view("reader", stale=True, status="running"))

    assert verdict.findings[0].detail["stale"] is True


@pytest.mark.parametrize("settles", [(), (settled(type="info"),), (settled(), settled(type="info"))])
def test_without_rest_it_is_unknown(settles: tuple[Op, ...]) -> None:
    assert judged(*settles, database(status="a"), view("reader", status="b")).valid is Valid.UNKNOWN


def test_what_was_shown_before_the_rest_is_not_compared() -> None:
    assert judged(view("reader", status="b"), REST, database(status="a")).valid is Valid.UNKNOWN


def test_readers_that_left_or_may_not_see_it_are_not_compared() -> None:
    ops = [
        started(),
        subscribed("spy", user=STRANGER),
        subscribed("left"),
        REST,
        database(status="a"),
        view("spy", status=""),
        view("left", status=""),
        an_op("left", "leave", process_id="p1"),
    ]

    assert judged(*ops).valid is Valid.UNKNOWN


def test_an_empty_history_is_unknown() -> None:
    assert judged().valid is Valid.UNKNOWN
