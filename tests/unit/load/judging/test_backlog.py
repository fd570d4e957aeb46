"""The backlog of histories written by hand, and when it grows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.history import History, Op
from harness.history.op import Value
from load.judging.backlog import backlog, grows, noise_of

Told = tuple[float, str, str, dict[str, Any]]


def op(time: float, actor: str, f: str, **value: Any) -> Told:
    return time, actor, f, {"process_id": "p", **value}


def emit(due: float, event: str) -> Told:
    return op(due, "app", "emit", event_id=event, event_type="section_chunk", delivery_class="append", due=due)


def written(time: float, event: str) -> Told:
    return op(time, "app", "insert", event_id=event, event_type="section_chunk", attempt=1, sequence=int(event))


def applied(time: float, event: str, via: str = "live", reader: str = "reader-1") -> Told:
    return op(time, reader, "apply", event_id=event, event_type="section_chunk", sequence=int(event), via=via)


def subscribed(reader: str = "reader-1") -> Told:
    return op(0.0, reader, "subscribe", user="owner-1", user_id="u", role="authenticated", client="native")


def history(*ops: Told, readers: tuple[str, ...] = ("reader-1",)) -> History:
    begun = op(0.0, "story", "start_process", process="p", owner="owner-1", owner_id="u")
    there = [op(0.0, reader, "ready", topic="t") for reader in readers]
    told = [begun, *map(subscribed, readers), *there, *sorted(ops, key=lambda each: each[0])]
    return History(
        Op(index=index, time=time, actor=actor, f=f, type="ok", value=Value(value))
        for index, (time, actor, f, value) in enumerate(told)
    )


def test_each_reader_that_does_not_show_an_event_at_the_end_of_a_second_counts() -> None:
    told = history(
        emit(10.2, "1"),
        written(10.3, "1"),
        applied(10.4, "1"),
        applied(12.5, "1", reader="reader-2"),
        readers=("reader-1", "reader-2"),
    )

    assert list(backlog(told, begin=10.0, seconds=2.0).waiting) == [1, 1, 0]


def test_what_is_shown_within_its_second_is_no_backlog() -> None:
    told = history(emit(10.2, "1"), written(10.3, "1"), applied(10.9, "1"))

    assert backlog(told, begin=10.0, seconds=2.0).most == 0


def test_what_waits_to_be_written_is_backlog_too() -> None:
    told = history(emit(10.2, "1"), written(11.3, "1"), applied(11.4, "1"))

    assert list(backlog(told, begin=10.0, seconds=2.0).waiting) == [1, 0]


def test_what_was_committed_and_never_came_waits_for_ever() -> None:
    told = history(emit(10.2, "1"), written(10.3, "1"), emit(12.2, "2"), written(12.3, "2"), applied(12.4, "2"))

    assert list(backlog(told, begin=10.0, seconds=2.0).waiting) == [1, 1, 1]


def test_a_merged_event_waits_for_the_one_that_carries_it() -> None:
    told = history(
        emit(10.2, "1"),
        emit(11.1, "2"),
        op(11.1, "app", "debounce", event_id="1", event_type="section_chunk", outcome="merged", into="2"),
        op(11.1, "app", "debounce", event_id="2", event_type="section_chunk", outcome="published", into="2"),
        written(11.2, "2"),
        applied(11.3, "2"),
    )

    assert list(backlog(told, begin=10.0, seconds=2.0).waiting) == [1, 0]


@pytest.mark.parametrize(
    ("by", "waiting"),
    [
        pytest.param("client", [1, 0, 2, 0], id="by its own doing"),
        pytest.param("server", [1, 2, 2, 0], id="by the server's"),
    ],
)
def test_a_reader_waits_while_it_is_away_unless_it_is_by_its_own_doing(by: str, waiting: list[int]) -> None:
    told = history(
        emit(10.1, "1"),
        written(10.2, "1"),
        op(11.1, "reader-1", "close", code=1006, reason="", by=by),
        emit(11.2, "2"),
        written(11.3, "2"),
        op(12.5, "reader-1", "ready", topic="t"),
        applied(13.2, "1"),
        applied(13.2, "2"),
    )

    assert list(backlog(told, begin=10.0, seconds=2.0).waiting) == waiting


def test_what_never_came_waits_until_the_page_closes() -> None:
    told = history(
        emit(10.2, "1"), written(10.3, "1"), op(12.5, "reader-1", "close", code=1000, reason="", by="client")
    )

    assert list(backlog(told, begin=10.0, seconds=2.0).waiting) == [1, 1, 0]


def test_a_pause_between_two_generations_makes_no_less_noise() -> None:
    ops = [[emit(at, event), written(at, event), applied(at + 0.1, event)] for at, event in ((10.0, "1"), (70.0, "2"))]
    (one, other) = (history(*(each for op in said for each in op)) for said in (ops[:1], ops))

    assert backlog(other, begin=10.0, seconds=4.0).noise == backlog(one, begin=10.0, seconds=2.0).noise > 0.0


def test_a_reader_that_left_is_owed_nothing() -> None:
    told = history(emit(10.2, "1"), written(10.3, "1"), op(10.4, "reader-1", "leave"))

    assert backlog(told, begin=10.0, seconds=2.0).most == 0


def test_three_rises_one_after_another_are_growth_at_the_end_of_the_third() -> None:
    assert grows([5, 4, 10, 20, 31], noise=20.0) == 5.0


@pytest.mark.parametrize(
    "windows",
    [
        [],
        [0, 100, 200],
        pytest.param([0, 100, 0, 100, 0, 100], id="a saw-tooth"),
        pytest.param([10, 10, 10, 500, 480, 400, 10], id="one stall"),
        pytest.param([10, 12, 14, 16, 18], id="too little"),
        pytest.param([0, 100, 100, 200, 200], id="two rises and a rest"),
    ],
)
def test_nothing_else_is(windows: list[int]) -> None:
    assert grows(windows, noise=20.0) is None


@given(
    rate=st.floats(min_value=50.0, max_value=5000.0),
    phase=st.floats(min_value=0.0, max_value=0.1),
    every=st.floats(min_value=0.09, max_value=0.11),
)
def test_a_poll_that_is_not_in_step_with_the_windows_makes_no_growth(rate: float, phase: float, every: float) -> None:
    windows = [round(rate * ((second - phase) % every)) for second in range(1, 30)]

    assert grows(windows, noise=noise_of(rate, readers=1.0, tooth=0.1)) is None


@given(rate=st.floats(min_value=200.0, max_value=5000.0), over=st.floats(min_value=0.2, max_value=1.0))
def test_a_fifth_more_than_is_carried_is_growth_within_five_seconds(rate: float, over: float) -> None:
    windows = [round(rate * over * second) for second in range(1, 6)]

    at = grows(windows, noise=noise_of(rate, readers=2.0, tooth=0.1))

    assert at is not None
    assert at <= 5.0


def test_a_debouncer_that_holds_events_back_makes_a_higher_tooth() -> None:
    merged = op(11.1, "app", "debounce", event_id="1", event_type="section_chunk", outcome="merged", into="2")
    plain = [emit(10.2, "1"), emit(11.1, "2"), written(11.2, "2"), applied(11.3, "2")]

    assert (
        backlog(history(*plain, merged), begin=10.0, seconds=2.0).noise
        > backlog(history(*plain), begin=10.0, seconds=2.0).noise
        > 0.0
    )
