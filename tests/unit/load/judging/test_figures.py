"""Figures from a history written by hand: one process, one reader, three chunks of text."""

from typing import Any

import pytest

from harness.history import History, Op
from harness.history.accounting import account
from harness.history.op import Value
from load.judging.figures import (
    BACKLOG,
    COALESCED,
    DELIVERED,
    LAG_P99,
    LOST,
    MISSED,
    OFFERED,
    PUBLISHED,
    TEXT_KEPT,
    figures,
    lost_at,
    measure,
)

P = {"process_id": "p"}


def op(time: float, actor: str, f: str, **value: Any) -> tuple[float, str, str, dict[str, Any]]:
    return time, actor, f, {**P, **value}


def emit(time: float, number: int, *, late: float = 0.0, chars: int = 10) -> tuple[float, str, str, dict[str, Any]]:
    return op(
        time,
        "app",
        "emit",
        event_id=f"e{number}",
        event_type="section_chunk",
        intent=number,
        delivery_class="append",
        due=time - late,
        offered=time,
        chars=chars,
    )


def told(number: int, outcome: str, into: int) -> dict[str, Any]:
    return {"event_id": f"e{number}", "event_type": "section_chunk", "outcome": outcome, "into": f"e{into}"}


def written(time: float, number: int, sequence: int) -> tuple[float, str, str, dict[str, Any]]:
    return op(time, "app", "insert", event_id=f"e{number}", event_type="section_chunk", attempt=1, sequence=sequence)


def applied(time: float, number: int, sequence: int, via: str = "live") -> tuple[float, str, str, dict[str, Any]]:
    event = {"event_id": f"e{number}", "event_type": "section_chunk", "sequence": sequence, "cursor": sequence}
    return op(time, "reader-1", "apply", **event, via=via)


def history(*ops: tuple[float, str, str, dict[str, Any]], ready: float = 0.0) -> History:
    """Of a reader that is there from `ready` on."""
    begun = (
        op(0.0, "story", "start_process", process="p", owner="owner-1", owner_id="u"),
        op(0.0, "reader-1", "subscribe", user="owner-1", user_id="u", role="authenticated", client="native"),
        op(ready, "reader-1", "ready", topic="t"),
    )
    return History(
        Op(index=index, time=time, actor=actor, f=f, type="ok", value=Value(value))
        for index, (time, actor, f, value) in enumerate(sorted((*begun, *ops), key=lambda each: each[0]))
    )


def figured(told_history: History, *, warm_up: float = 0.0) -> dict[str, float | None]:
    measured = measure(told_history, begin=1.0, warm_up=warm_up, seconds=30.0)
    return dict(figures(told_history, account(told_history), measured))


LOSSLESS = history(
    emit(1.0, 1),
    op(1.0, "app", "debounce", **told(1, "published", 1)),
    written(1.01, 1, 1),
    applied(1.1, 1, 1),
    emit(1.1, 2, late=0.004),
    emit(1.2, 3),
    op(1.2, "app", "debounce", **told(2, "merged", 3)),
    op(1.2, "app", "debounce", **told(3, "published", 3)),
    written(1.21, 3, 2),
    applied(1.4, 3, 2),
)
LOSSY = history(
    emit(1.0, 1),
    op(1.0, "app", "debounce", **told(1, "published", 1)),
    written(1.01, 1, 1),
    applied(1.1, 1, 1),
    emit(1.1, 2),
    emit(1.2, 3),
    op(1.2, "app", "debounce", **told(2, "replaced", 3)),
    op(1.2, "app", "debounce", **told(3, "published", 3)),
    written(1.21, 3, 2),
    applied(1.4, 3, 2),
)


def test_a_merged_chunk_is_coalesced_and_its_text_is_kept() -> None:
    found = figured(LOSSLESS)

    assert {name: found[name] for name in (OFFERED, PUBLISHED, DELIVERED, COALESCED, LOST, TEXT_KEPT)} == {
        OFFERED: 3,
        PUBLISHED: 2,
        DELIVERED: 2,
        COALESCED: 1,
        LOST: 0,
        TEXT_KEPT: 100.0,
    }


def test_a_replaced_chunk_is_lost_with_its_text() -> None:
    found = figured(LOSSY)

    assert found[LOST] == 1
    assert found[COALESCED] == 0
    assert found[TEXT_KEPT] == pytest.approx(200 / 3)


def test_a_merged_chunk_has_waited_from_its_own_due_time() -> None:
    measured = measure(LOSSLESS, begin=1.0, warm_up=0.0, seconds=30.0)

    assert measured.delivery.count == 3
    assert measured.delivery.at(1.0) == pytest.approx(1.4 - 1.096, rel=0.01)


def test_a_lost_chunk_was_stale_until_a_later_one_was_shown() -> None:
    measured = measure(LOSSY, begin=1.0, warm_up=0.0, seconds=30.0)

    assert measured.delivery.count == 2
    assert measured.staleness.count == 3
    assert measured.staleness.at(1.0) == pytest.approx(0.3, rel=0.01)


def test_lag_is_from_due_to_offered_whatever_the_publisher_does_then() -> None:
    assert figured(LOSSLESS)[LAG_P99] == pytest.approx(4.0, rel=0.01)


def test_what_was_due_in_the_warm_up_is_not_measured_but_counted() -> None:
    found = figured(LOSSLESS, warm_up=0.15)

    assert found[OFFERED] == 3
    assert measure(LOSSLESS, begin=1.0, warm_up=0.15, seconds=30.0).delivery.count == 1


def test_what_a_reader_fetched_from_before_it_came_is_no_delivery() -> None:
    backfill = history(
        emit(1.0, 1),
        written(1.01, 1, 1),
        applied(5.2, 1, 1, via="fetch"),
        ready=5.1,
    )

    assert measure(backfill, begin=1.0, warm_up=0.0, seconds=30.0).delivery.count == 0
    assert figured(backfill)[TEXT_KEPT] == 100.0


def test_a_hole_that_was_filled_by_a_fetch_is_a_late_delivery() -> None:
    hole = history(
        emit(1.0, 1),
        written(1.01, 1, 1),
        applied(2.5, 1, 1, via="fetch"),
    )

    assert measure(hole, begin=1.0, warm_up=0.0, seconds=30.0).delivery.at(1.0) == pytest.approx(1.5, rel=0.01)


def starved(by: str) -> History:
    """200 events are due from second 1 to 25, 3 of them shown live; then the socket closes, and the rest is fetched."""
    said = [each for number in range(1, 201) for each in starved_event(number)]
    back = [
        op(25.0, "reader-1", "close", code=1006, reason="", by=by),
        op(25.2, "reader-1", "join", topic="t"),
        op(25.2, "reader-1", "ready", topic="t"),
        op(26.0, "story", "settle", timeout=15, waited=1.0),
    ]
    return history(*said, *back)


def starved_event(number: int) -> list[tuple[float, str, str, dict[str, Any]]]:
    at = 1.0 + 0.12 * (number - 1)
    shown = applied(at + 0.05, number, number) if number <= 3 else applied(25.3, number, number, via="fetch")
    return [emit(at, number), written(at + 0.01, number, number), shown]


@pytest.mark.parametrize("by", ["server", "client"])
def test_what_a_starved_reader_fetches_after_its_socket_was_closed_has_waited_all_the_time(by: str) -> None:
    """Whoever closed it: what was due before had to be shown before."""
    told = starved(by)
    away = 0.2 if by == "client" else 0.0

    measured = measure(told, begin=1.0, warm_up=0.0, seconds=24.0)

    assert measured.delivery.count == 200
    assert measured.delivery.at(1.0) == pytest.approx(25.3 - 1.36 - away, rel=0.01)
    assert measured.staleness.at(1.0) == pytest.approx(25.3 - 1.36 - away, rel=0.01)
    assert measured.backlog.most > 150
    assert measured.backlog.grows_at is not None


@pytest.mark.parametrize(("by", "waits"), [("server", [10.0, 5.0]), ("client", [4.0])])
def test_what_was_due_while_the_reader_was_away_is_a_delivery_only_if_the_server_kept_it_away(
    by: str, waits: list[float]
) -> None:
    told = history(
        emit(2.0, 1),
        written(2.1, 1, 1),
        op(6.0, "reader-1", "close", code=1006, reason="", by=by),
        emit(7.0, 2),
        written(7.1, 2, 2),
        op(12.0, "reader-1", "ready", topic="t"),
        applied(12.0, 1, 1, via="fetch"),
        applied(12.0, 2, 2, via="fetch"),
    )

    measured = measure(told, begin=1.0, warm_up=0.0, seconds=30.0)

    found = [seconds for seconds, _ in measured.delivery.counted()]
    assert found == pytest.approx(sorted(waits), rel=0.01)


def test_what_is_never_shown_was_stale_until_all_had_settled() -> None:
    told = history(
        emit(1.0, 1),
        written(1.01, 1, 1),
        applied(1.1, 1, 1),
        emit(2.0, 2),
        written(2.1, 2, 2),
        op(14.0, "story", "settle", timeout=15, waited=12.0),
        op(20.0, "reader-1", "view"),
    )

    assert measure(told, begin=1.0, warm_up=0.0, seconds=30.0).staleness.at(1.0) == pytest.approx(12.0, rel=0.01)


def test_who_has_left_is_not_stale_in_the_end() -> None:
    told = history(emit(1.0, 1), op(1.1, "reader-1", "leave"), op(14.0, "story", "settle", timeout=15))

    assert measure(told, begin=1.0, warm_up=0.0, seconds=30.0).staleness.count == 0


def test_what_a_live_reader_found_missing_is_counted_event_by_event() -> None:
    holes = history(
        emit(1.0, 1),
        op(1.1, "reader-1", "gap", after=0, before=3),
        op(1.2, "reader-1", "gap", after=7, before=9),
    )

    assert figured(holes)[MISSED] == 3


def test_the_most_that_waited_at_the_end_of_a_second_is_told() -> None:
    behind = history(*[emit(1.1 + number / 10, number) for number in range(1, 4)], applied(2.5, 1, 1))

    assert figured(behind)[BACKLOG] == 1
    assert figured(LOSSLESS)[BACKLOG] == 0


def test_the_first_loss_is_told_by_when_it_was_due() -> None:
    assert lost_at(account(LOSSY).entries, begin=1.0) == pytest.approx(0.1)
    assert lost_at(account(LOSSLESS).entries, begin=1.0) is None
