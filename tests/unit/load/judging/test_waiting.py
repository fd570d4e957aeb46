"""Since when a reader waited."""

from math import inf
from typing import Any

import pytest

from harness.history import Op
from harness.history.arrival import Arrival
from harness.history.journey import Journey
from harness.history.op import Value
from load.judging.waiting import counts, due, waited_since


def op(**value: Any) -> Op:
    return Op(index=0, time=9.0, actor="a", f="apply", type="ok", value=Value(value))


def test_an_event_is_due_when_its_generator_says_so_else_long_ago() -> None:
    assert due(Journey(event_id="e", emit=op(due=3.0))) == 3.0
    assert due(Journey(event_id="e", emit=op())) == due(Journey(event_id="e")) == -inf


@pytest.mark.parametrize(
    ("online_since", "via", "waits"),
    [(2.0, "fetch", True), (5.0, "fetch", False), (5.0, "live", True), (None, "live", False)],
)
def test_what_was_fetched_from_before_the_reader_came_online_was_not_waited_for(
    online_since: float | None, via: str, waits: bool
) -> None:
    assert counts(Arrival(op=op(via=via), online_since=online_since, overtaken=False), 3.0) is waits


def test_the_time_offline_does_not_count() -> None:
    assert waited_since(Arrival(op=op(), online_since=5.0, overtaken=False), 3.0) == 5.0
    assert waited_since(Arrival(op=op(), online_since=1.0, overtaken=False), 3.0) == 3.0
