from typing import Any

import pytest

from harness.checkers import Finding, Routing, Valid, Verdict
from harness.history import Op
from tests.histories.literal import OWNER, STRANGER, a_history, an_op, committed, row, started, subscribed

TOPIC = "process_events:process_id=eq.p1"
MINE = {"event": "INSERT", "schema": "public", "table": "process_events", "filter": "process_id=eq.p1"}
OTHERS = {**MINE, "filter": "process_id=eq.p2"}
END = an_op("story", "end", at=60.0)


def listens(*bindings: dict[str, str], name: str = "listener", user: str = OWNER, at: float = 0.0) -> tuple[Op, Op]:
    told: dict[str, Any] = {
        "topic": name,
        "bindings": list(bindings),
        "user": "alice",
        "user_id": user,
        "role": "authenticated",
    }
    return an_op(name, "listen", at=at, **told), an_op(name, "ready", at=at + 0.1, topic=name)


def heard(*handlers: int, name: str = "listener", sequence: int = 1, at: float = 2.0, **more: Any) -> Op:
    record = {"id": f"e{sequence}", "process_id": "p1", "event_sequence": sequence}
    told = {"topic": name, "handlers": list(handlers), "record": record, **more}
    return an_op(name, "receive", at=at, **{**row(sequence), **told})


def received(sequence: int = 1, *, reader: str = "reader", topic: str = TOPIC, at: float = 2.0, **more: Any) -> Op:
    return an_op(reader, "receive", at=at, **{**row(sequence), "topic": topic, **more})


def delivered(sequence: int = 1, *, reader: str = "reader", at: float = 2.0) -> Op:
    return an_op(reader, "deliver", at=at, process_id="p1", event_id=f"e{sequence}", via="live")


def kinds(*ops: Op) -> list[tuple[str, Any]]:
    found = Routing().check(a_history(*ops)).findings
    return [(finding.what, finding.detail["reader"]) for finding in found]


def test_a_handler_that_is_called_for_what_it_did_not_ask_for_is_convicted() -> None:
    history = a_history(*listens(MINE, OTHERS), heard(0, 1), END)

    verdict = Routing().check(history)

    detail = {
        "reader": "listener",
        "handler": 1,
        "binding": OTHERS,
        "table": "process_events",
        "action": "INSERT",
        "row": "e1",
        "got_it": "listener",
    }
    assert verdict == Verdict.invalid(Finding("misrouted", (history[0], history[2]), detail))
    assert verdict.looked_at == 1


def test_the_handler_that_asked_for_it_is_right() -> None:
    assert Routing().check(a_history(*listens(MINE, OTHERS), heard(0), END)).valid is Valid.YES


@pytest.mark.parametrize(
    "wrong", [{"event": "DELETE"}, {"table": "generated_articles_state"}, {"filter": "event_sequence=gt.1"}]
)
def test_event_table_and_filter_must_all_be_met(wrong: dict[str, str]) -> None:
    assert kinds(*listens({**MINE, **wrong}), heard(0), END) == [("misrouted", "listener")]


def test_a_binding_for_everything_is_met_by_everything() -> None:
    assert kinds(*listens({"event": "*", "schema": "public", "table": "*"}), heard(0), END) == []


def test_a_handler_that_is_left_out_is_convicted() -> None:
    assert kinds(*listens(MINE, MINE), heard(1), END) == [("not_handed", "listener")]


def test_two_frames_may_serve_two_handlers() -> None:
    assert kinds(*listens(MINE, MINE), heard(0), heard(1), END) == []


def test_a_client_that_hides_its_handlers_is_not_judged_by_them() -> None:
    assert kinds(*listens(MINE, OTHERS), heard(), END) == []


def test_a_filter_on_a_column_that_did_not_come_is_not_judged() -> None:
    assert kinds(*listens({**MINE, "filter": "status=eq.x"}, MINE), heard(0, 1), heard(1, sequence=2), END) == []


def test_a_deleted_row_is_judged_by_what_was_committed_before() -> None:
    wants_deletes = {**OTHERS, "event": "DELETE"}
    gone = heard(0, action="DELETE", record={}, old_record={"id": "e1"}, event_id=None, process_id=None)

    assert kinds(committed(1, at=0.5), *listens(wants_deletes, at=0.6), gone, END) == [("misrouted", "listener")]


def test_a_listener_that_misses_what_its_like_got_is_convicted() -> None:
    ops = [*listens(MINE), *listens(MINE, name="deaf"), committed(1, at=1.0), heard(0), END]
    history = a_history(*ops)

    detail = {
        "reader": "deaf",
        "handler": 0,
        "binding": MINE,
        "table": "process_events",
        "action": "INSERT",
        "row": "e1",
        "got_it": "listener",
    }
    assert Routing().check(history) == Verdict.invalid(Finding("never_came", (history[2], history[5]), detail))


@pytest.mark.parametrize(
    "deaf",
    [
        listens(OTHERS, name="deaf"),
        listens(MINE, name="deaf", user=STRANGER),
        listens(MINE, name="deaf", at=1.5),
        (listens(MINE, name="deaf")[0],),
        (*listens(MINE, name="deaf"), an_op("deaf", "close", at=3.0)),
    ],
    ids=["another filter", "other rights", "ready later", "never ready", "closed"],
)
def test_a_listener_that_could_not_have_it_is_not_blamed(deaf: tuple[Op, ...]) -> None:
    ops = sorted(
        [*listens(MINE), *deaf, an_op("witness", "commit", at=1.0, **row(1)), heard(0)], key=lambda op: op.time
    )

    assert kinds(*ops, END) == []


def test_without_a_commit_it_must_have_been_ready_long_before() -> None:
    ops = [*listens(MINE), *listens(MINE, name="deaf")]

    assert kinds(*ops, heard(0), END) == []
    assert kinds(*ops, heard(0, at=20.0), END) == [("never_came", "deaf")]


def test_a_frame_that_is_never_delivered_is_lost_at_the_callback() -> None:
    history = a_history(started(at=0.0), subscribed("reader"), received(1), delivered(1), received(2), END)

    detail = {
        "reader": "reader",
        "process_id": "p1",
        "event_id": "e2",
        "event_type": "step_update",
        "sequence": 2,
        "table": "process_events",
    }
    assert Routing().check(history) == Verdict.invalid(Finding("lost_at_callback", (history[4],), detail))


def test_each_reader_delivers_for_itself() -> None:
    readers = [started(at=0.0), subscribed("reader"), subscribed("other")]
    frames = [received(), received(reader="other"), delivered()]

    assert kinds(*readers, *frames, END) == [("lost_at_callback", "other")]


def test_a_stranger_delivers_nothing_and_a_state_row_is_no_event() -> None:
    state = an_op("reader", "receive", table="generated_articles_state", action="UPDATE", topic="process_state:p1")
    stranger = subscribed("stranger", user=STRANGER)

    assert kinds(started(at=0.0), subscribed("reader"), stranger, received(reader="stranger"), state, END) == []


def test_a_reader_that_leaves_at_once_is_not_blamed() -> None:
    leave = an_op("reader", "leave", at=2.1, process_id="p1")

    assert kinds(started(at=0.0), subscribed("reader"), received(), leave, END) == []


def test_a_run_that_is_cut_short_is_not_blamed() -> None:
    step = an_op("story", "step", type="invoke", step="WaitFor")

    assert kinds(started(at=0.0), subscribed("reader"), step, received()) == []


def sent(sequence: int = 1, *, reader: str = "reader", at: float = 2.0) -> Op:
    return an_op("realtime", "send", at=at, **{**row(sequence), "link": reader, "topic": TOPIC, "bytes": 400})


def test_a_frame_that_no_channel_takes_is_convicted() -> None:
    history = a_history(started(at=0.0), subscribed("reader"), sent(1), received(1), delivered(1), sent(2), END)

    detail = {
        "reader": "reader",
        "process_id": "p1",
        "event_id": "e2",
        "event_type": "step_update",
        "sequence": 2,
        "table": "process_events",
    }
    assert Routing().check(history) == Verdict.invalid(Finding("not_taken", (history[5],), detail))


@pytest.mark.parametrize(
    "excuse",
    [
        an_op("reader", "close", at=6.0, code=1006),
        an_op("nemesis", "fault", at=1.0, type="invoke", fault="black_hole", link="reader"),
        an_op("nemesis", "fault", at=6.0, type="invoke", fault="laptop_sleeps", reader="reader"),
        an_op("nemesis", "fault", at=1.0, type="invoke", fault="drop", link="*"),
        an_op("reader", "leave", at=3.0, process_id="p1"),
    ],
    ids=["the socket closed", "its link", "its machine", "every link", "it left"],
)
def test_a_frame_that_may_not_have_come_through_is_no_finding(excuse: Op) -> None:
    ops = sorted([sent(), excuse], key=lambda op: op.time)

    assert kinds(started(at=0.0), subscribed("reader"), *ops, END) == []


def test_what_befalls_another_reader_is_no_excuse() -> None:
    elsewhere = [
        an_op("other", "close", at=3.0, code=1006),
        an_op("nemesis", "fault", at=3.0, type="invoke", fault="black_hole", link="other"),
    ]

    assert kinds(started(at=0.0), subscribed("reader"), sent(), *elsewhere, END) == [("not_taken", "reader")]


def test_what_a_stranger_is_sent_is_no_matter_of_routing() -> None:
    stranger = subscribed("stranger", user=STRANGER)

    assert kinds(started(at=0.0), stranger, sent(reader="stranger"), END) == []


@pytest.mark.parametrize(
    ("topic", "why"), [("process_events:process_id=eq.p2", "process"), ("process_state:p1", "table")]
)
def test_a_row_on_a_topic_that_is_not_for_it_is_convicted(topic: str, why: str) -> None:
    history = a_history(received(topic=topic), END)

    (finding,) = Routing().check(history).findings

    assert (finding.what, finding.detail["topic"], finding.detail["why"]) == ("wrong_topic", topic, why)


def test_the_topics_of_a_client_that_just_listens_are_its_own() -> None:
    assert kinds(*listens(MINE), heard(0, topic="process_state:p1"), END) == []


def test_a_topic_of_another_kind_is_for_whatever_comes() -> None:
    assert kinds(started(at=0.0), subscribed("reader"), received(topic="all of it"), delivered(), END) == []


def test_a_history_in_which_nothing_was_received_is_unknown() -> None:
    assert Routing().check(a_history(*listens(MINE), END)).valid is Valid.UNKNOWN
