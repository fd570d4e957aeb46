from harness.history.accounting import account
from harness.report.timeline import MARKS, Mark, timeline
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
        "nemesis",
    ]


def test_every_event_has_a_mark_on_every_lane_that_it_passed() -> None:
    history = clean_run()

    picture = timeline(history, account(history))

    counts = {lane.name: len(lane.marks) for lane in picture.lanes}
    assert counts == {
        "story": 1,
        "app: article": 47,
        "database": 47,
        "realtime": 47,
        "reader-1": 47,
        "reader-2": 47,
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
