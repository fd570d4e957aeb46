"""How long a reader waited, and when it was away by its own doing."""

from math import inf
from typing import Any

import pytest

from harness.history import History, Op
from harness.history.arrival import Arrival
from harness.history.journey import Journey
from harness.history.op import Value
from load.judging.waiting import Absences, Stretch, absences, due

Told = tuple[float, str, dict[str, Any]]


def op(time: float = 9.0, f: str = "apply", type: Any = "ok", **value: Any) -> Op:
    return Op(index=0, time=time, actor="reader-1", f=f, type=type, value=Value(value))


def arrived(time: float, via: str = "live") -> Arrival:
    return Arrival(op=op(time, via=via), online_since=None, overtaken=False)


def away(*ops: Op) -> list[Stretch]:
    """The absences of a reader that is there from second 1 on, unless it is said otherwise."""
    came = (op(0.5, "subscribe"), op(0.6, "join", "invoke", topic="t"), op(1.0, "ready", topic="t"))
    return list(absences(History([*came, *ops]))["reader-1"].stretches)


def closed(time: float, by: str, reason: str = "") -> Op:
    return op(time, "close", code=1006, reason=reason, by=by)


def ready(time: float, topic: str = "t") -> Op:
    return op(time, "ready", topic=topic)


def test_an_event_is_due_when_its_generator_says_so_else_long_ago() -> None:
    assert due(Journey(event_id="e", emit=op(due=3.0))) == 3.0
    assert due(Journey(event_id="e", emit=op())) == due(Journey(event_id="e")) == -inf


def test_before_it_first_came_a_reader_is_away() -> None:
    assert away() == [(-inf, 1.0)]


def test_one_that_never_comes_is_away_for_ever() -> None:
    assert absences(History([op(0.5, "subscribe")]))["reader-1"].stretches == ((-inf, inf),)


def test_it_has_come_when_all_its_channels_are_ready() -> None:
    told = History([op(0.1, "join", "invoke", topic=topic) for topic in "tu"] + [ready(1.0, "t"), ready(1.5, "u")])

    assert absences(told)["reader-1"].stretches == ((-inf, 1.5),)


def test_from_a_drop_of_its_own_until_it_is_back_it_is_away() -> None:
    crash = op(5.0, "system", "fail", topic="t", extension="phoenix")

    assert away(closed(5.0, "client"), crash, op(6.0, "join", topic="t"), ready(6.5)) == [(-inf, 1.0), (5.0, 6.5)]


@pytest.mark.parametrize(
    "ops",
    [
        pytest.param([closed(5.0, "server"), ready(6.5)], id="a close by the server"),
        pytest.param([closed(5.0, "client", "heartbeat timeout"), ready(6.5)], id="a server that does not answer"),
        pytest.param([op(5.0, "join", "invoke", topic="t"), op(5.1, "join", topic="t"), ready(6.5)], id="a rejoin"),
    ],
)
def test_what_the_server_does_is_no_absence(ops: list[Op]) -> None:
    assert away(*ops) == [(-inf, 1.0)]


@pytest.mark.parametrize("refusal", [closed(5.4, "server"), op(5.4, "join", "fail", topic="t")])
def test_a_server_that_refuses_a_reader_makes_it_wait(refusal: Op) -> None:
    assert away(closed(5.0, "client"), refusal, ready(9.0)) == [(-inf, 1.0), (5.0, 5.4)]


@pytest.mark.parametrize(
    ("since", "via", "seconds"),
    [
        pytest.param(3.0, "live", 5.0, id="due while it was there, and before its drop"),
        pytest.param(3.0, "fetch", 5.0, id="the same, fetched after its drop"),
        pytest.param(6.0, "live", 3.0, id="due while it was away, and shown live"),
        pytest.param(6.0, "fetch", None, id="due while it was away, and fetched"),
        pytest.param(8.0, "fetch", 2.0, id="due after it came back"),
        pytest.param(0.5, "fetch", None, id="due before it came"),
    ],
)
def test_absences_are_no_part_of_a_wait(since: float, via: str, seconds: float | None) -> None:
    absent = Absences(((-inf, 1.0), (5.0, 7.0)))

    assert absent.wait(arrived(10.0, via), since) == seconds


def test_what_was_shown_before_the_reader_was_online_is_no_delivery() -> None:
    assert Absences(((-inf, 4.0),)).wait(arrived(3.0), 2.0) is None


def test_the_parts_of_a_wait_lie_around_the_absences() -> None:
    absent = Absences(((-inf, 1.0), (5.0, 7.0), (9.0, inf)))

    assert [list(absent.waited(*each)) for each in ((0.0, 8.0), (3.0, 4.0), (6.0, inf), (5.5, 6.5))] == [
        [(1.0, 5.0), (7.0, 8.0)],
        [(3.0, 4.0)],
        [(7.0, 9.0)],
        [],
    ]
