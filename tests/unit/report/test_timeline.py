import pytest

from harness.history import Op
from harness.history.accounting import account
from harness.report.timeline import MARKS, Lane, Mark, timeline
from harness.report.windows import Kind, Window
from tests.histories.clean import clean_run
from tests.histories.literal import a_history, an_op, applied, emitted, row
from tests.mutants.test_mutants import the_server_loses_a_frame


def test_the_lanes_follow_the_way_of_an_event() -> None:
    history = clean_run()

    picture = timeline(history, account(history))

    assert [lane.name for lane in picture.lanes] == [
        "story",
        "app: article",
        "database",
        "realtime",
        "reader-1",
        "reader-2",
        "listener",
        "nemesis",
    ]


def test_every_event_has_a_mark_on_every_lane_that_it_passed() -> None:
    history = clean_run()

    picture = timeline(history, account(history))

    counts = {lane.name: len(lane.marks) for lane in picture.lanes}
    assert counts == {
        "story": 3,
        "app: article": 47,
        "database": 47,
        "realtime": 47,
        "reader-1": 47,
        "reader-2": 47,
        "listener": 2,
        "nemesis": 1,
    }


def test_a_mark_says_what_when_and_how() -> None:
    history = a_history(applied("r", sequence=3, via="fetch", at=1.5))

    (lane,) = timeline(history, account(history)).lanes

    assert lane.marks == [
        Mark(
            lane="r",
            time=1.5,
            group="step",
            shape="ring",
            title="step_update 3 applied by r from a fetch at 1.500 s (op 0)",
            event_id="e3",
        )
    ]


def test_a_missing_event_is_a_cross_on_the_lane_of_its_reader() -> None:
    history = the_server_loses_a_frame(clean_run())

    picture = timeline(history, account(history))

    crosses = [(lane.name, mark.shape) for lane in picture.lanes for mark in lane.marks if mark.shape == "cross"]
    assert crosses == [("reader-2", "cross")]


def test_a_long_run_is_drawn_with_fewer_marks_that_say_how_many_they_are() -> None:
    ops = [emitted(number, at=number * 0.001) for number in range(2 * MARKS)]

    picture = timeline(a_history(*ops), account(a_history(*ops)))

    assert picture.thinned
    assert len(picture.lanes[0].marks) <= 1501
    assert sum(mark.count for mark in picture.lanes[0].marks) == 2 * MARKS


def test_places_stay_within_the_picture() -> None:
    history = a_history(an_op("r", "status", at=0.0, status="live"), an_op("r", "status", at=10.0, status="stale"))

    picture = timeline(history, account(history))

    assert [picture.place(time) for time in (-1.0, 0.0, 5.0, 10.0, 11.0)] == [1.0, 1.0, 50.0, 99.0, 99.0]
    assert picture.ticks == [float(tick) for tick in range(11)]


def test_an_empty_history_has_no_lanes() -> None:
    assert timeline(a_history(), account(a_history())).lanes == []


def test_marks_that_would_cover_each_other_lie_above_and_below() -> None:
    history = a_history(*(applied("r", sequence=number, at=1.0) for number in range(9)), applied("r", sequence=9, at=9))

    (lane,) = timeline(history, account(history)).lanes

    assert [mark.level for mark in lane.marks] == [0, -1, 1, -2, 2, -3, 3, 0, 0, 0]


def test_a_later_change_of_an_events_row_has_no_mark() -> None:
    commit = an_op("witness", "commit", **{**row(1), "action": "UPDATE"})

    assert timeline(a_history(commit), account(a_history(commit))).lanes == []


def test_what_went_wrong_in_the_story_is_a_cross() -> None:
    failed = an_op("story", "step", type="fail", step="WaitFor", number="3", error="not within 5 s")

    (lane,) = timeline(a_history(failed), account(a_history(failed))).lanes

    assert [(mark.shape, mark.title) for mark in lane.marks] == [("cross", "WaitFor at 0.000 s: not within 5 s")]


def titles(*ops: Op) -> list[tuple[str, str, str]]:
    """Lane, shape and title of every mark."""
    history = a_history(*ops)
    return [
        (lane.name, mark.shape, mark.title) for lane in timeline(history, account(history)).lanes for mark in lane.marks
    ]


def test_a_listener_has_a_lane_with_the_rows_that_it_received() -> None:
    listens = an_op("ear", "listen", at=1.0, topic="t", bindings=[])
    came = an_op("ear", "receive", at=2.0, **row(3), topic="t")
    deleted = an_op("ear", "receive", at=3.0, table="process_events", action="DELETE", event_id=None, topic="t")

    assert titles(listens, came, deleted) == [
        ("ear", "tick", "listen at 1.000 s (topic: t, bindings: [])"),
        ("ear", "dot", "step_update 3 received by ear at 2.000 s (op 1)"),
        ("ear", "dot", "DELETE of process_events  received by ear at 3.000 s (op 2)"),
    ]


def test_a_reader_without_a_listen_has_no_marks_for_what_it_received() -> None:
    assert titles(an_op("r", "subscribe", at=1.0), an_op("r", "receive", at=2.0, **row(3), topic="t")) == []


@pytest.mark.parametrize(
    ("op", "lane", "title"),
    [
        (an_op("r", "sign_in", at=1.0, process_id="p1"), "r", "sign in at 1.000 s"),
        (an_op("r", "remount", at=1.0, process_id="p1"), "r", "remount at 1.000 s"),
        (an_op("r", "leave", at=1.0, process_id="p1"), "r", "leave at 1.000 s"),
        (an_op("story", "census", at=1.0, label="before"), "story", "census at 1.000 s (label: before)"),
        (an_op("app", "cleanup", at=1.0, deleted=3), "database", "cleanup at 1.000 s (deleted: 3)"),
    ],
)
def test_what_else_is_done_is_a_tick_on_its_lane(op: Op, lane: str, title: str) -> None:
    here = an_op("r", "subscribe", at=0.0)

    assert titles(here, op) == [(lane, "tick", title)]


@pytest.mark.parametrize(
    ("op", "lane"),
    [
        (an_op("r", "join", at=1.0, type="fail", error="refused", topic="t"), "r"),
        (an_op("r", "system", at=1.0, type="fail", error="refused", topic="t"), "r"),
        (an_op("r", "fetch", at=1.0, type="fail", error="refused"), "r"),
        (an_op("app", "cleanup", at=1.0, type="fail", error="refused"), "database"),
        (an_op("realtime", "limit", at=1.0, type="info", limit="max_joins"), "realtime"),
        (an_op("realtime", "poll", at=1.0, type="info", error="refused", failures=1), "realtime"),
    ],
)
def test_what_was_refused_is_a_cross_on_its_lane(op: Op, lane: str) -> None:
    marks = titles(an_op("r", "subscribe", at=0.0), op)

    assert [(where, shape) for where, shape, _ in marks] == [(lane, "cross")]


def test_what_merely_begins_or_goes_well_has_no_mark() -> None:
    ops = [an_op("r", "subscribe"), an_op("r", "join"), an_op("r", "fetch"), an_op("realtime", "join", type="fail")]

    assert titles(*ops, an_op("app", "cleanup", type="invoke")) == []


def test_a_census_of_many_things_has_a_short_title() -> None:
    counts = {f"engine.{number}": number for number in range(200)}

    ((_, _, title),) = titles(an_op("story", "census", label="before", counts=counts))

    assert len(title) < 400


def test_a_fault_is_drawn_behind_all_lanes() -> None:
    begun = an_op("nemesis", "fault", at=1.0, type="invoke", fault="offline", link="r")
    history = a_history(begun, an_op("nemesis", "fault", at=2.0, fault="offline", link="r"))

    picture = timeline(history, account(history))

    assert [(fault.label, fault.start, fault.end) for fault in picture.faults] == [("offline r", 1.0, 2.0)]


def test_a_label_has_room_until_the_next_window_and_a_row_of_its_own_within_another() -> None:
    faults = [("a", 1.0, 5.0), ("b", 2.0, 3.0), ("c", 7.0, 7.0)]
    windows = [
        Window(kind=Kind.FAULT, owner="nemesis", start=start, end=end, label=name) for name, start, end in faults
    ]
    lane = Lane(key="nemesis", name="nemesis", note="faults", windows=windows, statuses=(), marks=())

    assert [(window.label, label_row, until) for window, label_row, until in lane.labels(9.0)] == [
        ("a", 0, 2.0),
        ("b", 1, 7.0),
        ("c", 0, 9.0),
    ]
