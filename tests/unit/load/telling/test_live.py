"""Live figures by second: counted, merged, forgotten."""

import pytest

from load.judging.histogram import Times
from load.telling.live import DELIVER, KEPT_S, PUBLISH, Live


def told(live: Live, kind: str) -> dict[int, int]:
    return {at: moment.count for at, moment in live.moments(kind).items()}


def test_each_second_has_what_was_told_in_it() -> None:
    live = Live()
    live.add(DELIVER, "heartbeat", 0.010, at=0.2)
    live.add(DELIVER, "heartbeat", 0.030, at=0.9)
    live.add(DELIVER, "section_chunk", 0.500, at=3.0)
    live.add(PUBLISH, "section_chunk", 0.004, at=3.0)

    assert told(live, DELIVER) == {0: 2, 3: 1}
    assert told(live, PUBLISH) == {3: 1}
    assert live.moments(DELIVER)[0].p50 == pytest.approx(0.010, rel=0.01)
    assert live.moments(DELIVER)[0].p99 == pytest.approx(0.030, rel=0.01)
    assert live.counts == {DELIVER: 3, PUBLISH: 1}


def test_only_deliveries_are_told_by_type() -> None:
    live = Live()
    live.add(DELIVER, "heartbeat", 0.010, at=0.2)
    live.add(PUBLISH, "section_chunk", 0.004, at=0.3)

    assert {name: moment.count for name, moment in live.types()} == {"heartbeat": 1}


def test_what_failed_is_counted_and_not_measured() -> None:
    live = Live()
    live.add(PUBLISH, "heartbeat", 0.010, at=0.2, failed=True)

    assert (live.counts[PUBLISH], live.failed[PUBLISH]) == (1, 1)
    assert live.moments(PUBLISH) == {}


def test_a_second_that_grows_is_counted_again() -> None:
    live = Live()
    live.add(DELIVER, "heartbeat", 0.010, at=0.2)
    before = live.moments(DELIVER)[0]
    live.add(DELIVER, "heartbeat", 0.900, at=0.3)

    assert (before.count, live.moments(DELIVER)[0].count) == (1, 2)
    assert live.moments(DELIVER)[0].p99 == pytest.approx(0.9, rel=0.01)


def test_workers_are_merged_as_histograms_and_not_as_percentiles() -> None:
    fast, slow, master = Live(), Live(), Live()
    for _ in range(99):
        fast.add(DELIVER, "heartbeat", 0.001, at=5.0)
    slow.add(DELIVER, "heartbeat", 1.0, at=5.0)
    slow.add(DELIVER, "heartbeat", 1.0, at=6.0)

    master.merge(fast.report())
    master.merge(slow.report())

    both = Times.of([*[0.001] * 99, 1.0])
    assert master.moments(DELIVER)[5].p50 == both.at(0.5)
    assert master.moments(DELIVER)[5].p99 == both.at(0.99)
    assert told(master, DELIVER) == {5: 100, 6: 1}
    assert dict(master.types())["heartbeat"].count == 101
    assert master.counts == {DELIVER: 101}


def test_a_second_that_has_passed_still_takes_what_comes_late() -> None:
    live, late = Live(), Live()
    live.add(DELIVER, "heartbeat", 0.010, at=0.0)
    live.add(DELIVER, "heartbeat", 0.010, at=60.0)
    late.add(DELIVER, "heartbeat", 0.200, at=0.0)

    live.merge(late.report())

    assert told(live, DELIVER) == {0: 2, 60: 1}
    assert live.moments(DELIVER)[0].p99 == pytest.approx(0.2, rel=0.01)


def test_no_more_seconds_are_kept_than_there_is_room_for() -> None:
    live = Live()
    for at in range(2 * KEPT_S):
        live.add(PUBLISH, "heartbeat", 0.010, at=float(at))

    assert list(live.moments(PUBLISH)) == list(range(KEPT_S, 2 * KEPT_S))
    assert live.counts[PUBLISH] == 2 * KEPT_S


def test_a_report_holds_what_has_passed_as_well() -> None:
    worker, master = Live(), Live()
    worker.add(DELIVER, "heartbeat", 0.010, at=0.0)
    worker.add(DELIVER, "heartbeat", 0.010, at=60.0)

    master.merge(worker.report())

    assert told(master, DELIVER) == {0: 1, 60: 1}
