"""The accused's page over a scripted client and application; each of its S1 defects has a test in tests/defects."""

import asyncio

import pytest

from harness.clients.client import ChannelClosed, ChannelErrored, Closed, Joined, Opened, Refused, SystemNotice
from harness.errors import ClientError, ClientMissing, ConnectRefused, FetchFailed
from harness.events.event import content_hash, text_hash
from harness.pipeline.reader_status import Status
from tests.browser import (
    EVENTS,
    INPUT,
    PROCESS,
    QUESTION,
    STATE,
    USER,
    a_change,
    a_row,
    a_state_row,
    accused,
    is_deaf,
    is_ready,
)
from tests.instant import run

FINAL = {"article_id": PROCESS, "title": "Tea", "final_content": "<p>茶</p>", "statistics": {}}


def test_it_asks_for_the_two_channels_and_is_live_when_one_is_joined() -> None:
    async def story() -> None:
        stage = accused()
        stage.client.outcomes[STATE].append([Refused(topic=STATE, reason="no")])
        await stage.live()
        await stage.reader.close()

        assert stage.client.calls == [("subscribe", EVENTS), ("subscribe", STATE)]
        order = [(op.f, op.type, op.value.get("topic") or op.value.get("status")) for op in stage.recorder.ops()]
        assert order[:6] == [
            ("subscribe", "ok", None),
            ("status", "ok", "connecting"),
            ("join", "invoke", EVENTS),
            ("join", "invoke", STATE),
            ("open", "ok", None),
            ("join", "ok", EVENTS),
        ]
        assert stage.told("subscribe") == [
            {"process_id": PROCESS, "user": "alice", "user_id": str(USER), "role": "authenticated", "client": "native"}
        ]

    run(story())


def test_ready_and_other_system_messages_are_told_and_change_nothing() -> None:
    async def story() -> None:
        stage = accused()
        stage.client.outcomes[EVENTS].append([])
        await stage.reader.start()
        await stage.hear(is_ready(EVENTS), is_deaf(EVENTS))
        status = stage.reader.status
        await stage.reader.close()

        assert status is Status.CONNECTING
        assert {op.value.topic for op in stage.history.where(f="ready")} == {EVENTS, STATE}
        assert [notice["type"] for notice in stage.told("system")] == ["fail"]

    run(story())


def test_the_history_tells_each_hop_of_a_live_event() -> None:
    async def story() -> None:
        stage = await accused().live()
        row = a_row(3, "step_update", {"step": "editing"})
        await stage.commit(row)
        await stage.reader.close()

        keys = {"event_id": row["id"], "process_id": PROCESS, "event_type": "step_update", "sequence": 3}
        assert stage.told("receive") == [
            {
                **keys,
                "table": "process_events",
                "action": "INSERT",
                "topic": EVENTS,
                "bytes": 10,
            }
        ]
        assert stage.told("deliver") == [{**keys, "via": "live"}]
        assert stage.told("apply") == [
            {**keys, "via": "live", "cursor": 3, "content": content_hash({"step": "editing"})}
        ]
        assert (stage.reader.cursor, stage.reader.applied("step_update")) == (3, 1)

    run(story())


def test_a_type_that_is_not_handled_is_applied_and_said_to_be_nothing() -> None:
    async def story() -> None:
        stage = await accused().live()
        await stage.commit(a_row(1))
        await stage.reader.close()

        (applied,) = stage.told("apply")
        assert applied["handled"] is False
        assert stage.reader.applied("heartbeat") == 1

    run(story())


def test_numbers_are_those_of_javascript_before_anything_else() -> None:
    async def story() -> None:
        stage = await accused().live()
        await stage.commit(a_row(1, "step_update", {"step": "a", "n": 9007199254740993}))
        await stage.reader.close()

        (applied,) = stage.told("apply")
        assert applied["content"] == content_hash({"step": "a", "n": 9007199254740992})

    run(story())


def test_what_the_callback_throws_is_told_and_the_page_goes_on() -> None:
    async def story() -> None:
        stage = await accused().live()
        cut = {key: value for key, value in a_row(1, "process_completed").items() if key != "event_data"}
        await stage.hear(a_change(EVENTS, cut, errors=["Error 413: Payload Too Large"]))
        await stage.commit(a_row(2, "step_update", {"step": "a"}))
        await stage.reader.close()

        assert stage.told("receive")[0]["missing"] == ["event_data"]
        assert stage.told("deliver")[0]["error"] == "TypeError: Cannot read properties of undefined (reading 'title')"
        assert (stage.applied(), stage.reader.status) == ([(2, "live")], Status.LIVE)

    run(story())


def test_a_row_without_a_name_is_told() -> None:
    async def story() -> None:
        stage = await accused().live()
        await stage.hear(a_change(EVENTS, {}, errors=["Error 401: Unauthorized"]))
        await stage.reader.close()

        assert [deliver["error"] for deliver in stage.told("deliver")] == ["the row does not say which event it is"]

    run(story())


def test_the_whole_context_is_among_the_columns_that_may_be_missing() -> None:
    async def story() -> None:
        stage = await accused().live()
        await stage.hear(a_change(STATE, a_state_row(0)))
        await stage.reader.close()

        assert stage.told("receive")[0]["missing"] == ["article_context"]
        assert stage.told("snapshot") == [{"process_id": PROCESS, "last_event_sequence": 0, "taken": True}]

    run(story())


def test_the_end_is_shown_with_the_text_that_came_with_it() -> None:
    async def story() -> None:
        stage = await accused().live()
        await stage.commit(a_row(1, "section_chunk", {"section_index": 0, "html_chunk": "茶"}))
        await stage.commit(a_row(2, "process_completed", FINAL))
        await stage.reader.close()
        await stage.reader.close()

        assert stage.statuses() == ["connecting", "live", "ended"]
        assert stage.told("view") == [
            {
                "process_id": PROCESS,
                "status": "completed",
                "current_step": "completed",
                "is_waiting_for_input": False,
                "expected_user_input": None,
                "last_event_sequence": 2,
                "stale": False,
                "sections": [{"section_index": 0, "sha256": text_hash("茶"), "chars": 1}],
                "article_sha256": text_hash("<p>茶</p>"),
            }
        ]

    run(story())


def test_nothing_that_happens_to_the_connection_is_shown() -> None:
    async def story() -> None:
        stage = await accused().live()
        await stage.hear(Closed(code=1006), ChannelErrored(topic=EVENTS, reason="gone"))
        await stage.hear(Opened(), Joined(topic=EVENTS), ChannelClosed(topic=EVENTS))
        await stage.clock.sleep(600.0)
        await stage.reader.close()

        assert stage.statuses() == ["connecting", "live"]
        assert stage.client.calls == [("subscribe", EVENTS), ("subscribe", STATE)]
        assert stage.reader.held() == {"channels": 1, "timers": 0, "buffered": 0}
        assert [notice["message"] for notice in stage.told("system")] == ["phx_error: gone", "phx_close"]

    run(story())


def test_a_refused_socket_is_tried_again_as_realtime_js_does() -> None:
    async def story() -> None:
        stage = accused(tokens=True)
        stage.client.refusals.extend([ConnectRefused(429, "no"), *(ClientError("no") for _ in range(4))])
        await stage.reader.start()
        await stage.reader.wait_ready(60.0)
        took = stage.clock.now()
        await stage.reader.close()

        assert took == pytest.approx(1.0 + 2.0 + 5.0 + 10.0 + 10.0)
        assert stage.client.calls == [("set_token", "token at 0"), ("subscribe", EVENTS), ("subscribe", STATE)]

    run(story())


def test_a_missing_client_is_raised() -> None:
    async def story() -> None:
        stage = accused()
        stage.client.refusals.append(ClientMissing("npm ci"))
        await stage.reader.start()

        with pytest.raises(ClientMissing):
            await stage.reader.wait_ready(5.0)
        with pytest.raises(ClientMissing):
            await stage.reader.close()

    run(story())


def test_a_token_is_asked_for_once_and_never_again() -> None:
    async def story() -> None:
        stage = await accused(tokens=True).live()
        await stage.reader.drop()
        await stage.clock.sleep(3600.0)
        stage.client.reconnect()
        await stage.clock.sleep(1.0)
        await stage.reader.close()

        assert [call for call in stage.client.calls if call[0] == "set_token"] == [("set_token", "token at 0")]

    run(story())


def test_who_is_not_signed_in_joins_as_anybody_and_then_hands_the_token_on() -> None:
    async def story() -> None:
        stage = await accused(tokens=True, signed_in=False).live()
        await stage.reader.sign_in("alice")
        await stage.reader.close()

        assert stage.client.calls == [("subscribe", EVENTS), ("subscribe", STATE), ("set_token", "alice")]

    run(story())


def test_after_a_remount_the_late_answer_to_the_leave_takes_the_new_channel_with_it() -> None:
    async def story() -> None:
        stage = await accused().live()
        await stage.reader.remount()
        await stage.commit(a_row(1, "step_update", {"step": "a"}))
        await stage.clock.sleep(60.0)
        await stage.reader.close()

        assert stage.client.calls[2:] == [
            ("unsubscribe", EVENTS),
            ("unsubscribe", STATE),
            ("subscribe", EVENTS),
            ("subscribe", STATE),
        ]
        assert (stage.applied(), stage.told("receive")) == ([], [])
        assert stage.statuses() == ["connecting", "live", "connecting"]
        assert stage.reader.held()["channels"] == 0

    run(story())


def test_a_client_that_removes_the_old_channel_at_once_has_the_new_one() -> None:
    async def story() -> None:
        stage = await accused(leave_removes_topic=False).live()
        await stage.reader.remount()
        await stage.commit(a_row(1, "step_update", {"step": "a"}))
        await stage.reader.close()

        assert stage.applied() == [(1, "live")]
        assert stage.statuses() == ["connecting", "live", "connecting", "live"]
        assert stage.reader.held()["channels"] == 2

    run(story())


def test_an_answer_is_posted_with_the_question_of_the_event() -> None:
    async def story() -> None:
        stage = await accused().live()
        await stage.commit(a_row(1, "user_input_required", QUESTION))
        await stage.reader.answer("SELECT_THEME", "select", {"selected_index": 0})
        shows = stage.reader.shows_question("SELECT_THEME")
        await stage.reader.close()

        assert not shows
        assert stage.app.posts == [
            (
                "user-input",
                {
                    "response_type": "SELECT_THEME",
                    "payload": {"action": "select", "selected_index": 0},
                    "input_id": INPUT,
                },
            )
        ]

    run(story())


def test_a_question_that_nobody_asks_cannot_be_answered() -> None:
    async def story() -> None:
        stage = await accused().live()

        with pytest.raises(TimeoutError, match="was not asked SELECT_THEME within 3 s"):
            await stage.reader.answer("SELECT_THEME", "select", {}, timeout=3.0)
        await stage.reader.close()

    run(story())


def test_what_the_specification_leaves_out_is_asked_of_the_application_all_the_same() -> None:
    async def story() -> None:
        stage = await accused().live()
        await stage.commit(a_row(7))
        await stage.reader.pause()
        await stage.reader.resume()
        await stage.reader.acknowledge()
        stage.app.failures.append(FetchFailed("u", 503, "busy"))
        with pytest.raises(FetchFailed):
            await stage.reader.pause()
        await stage.reader.close()

        assert stage.app.posts == [("pause", {}), ("resume", {}), ("ack", {"up_to_sequence": 7})]

    run(story())


def test_what_is_shown_can_be_waited_for() -> None:
    async def story() -> None:
        stage = await accused().live()
        waiting = asyncio.create_task(stage.reader.wait_until(lambda state: state.current_step == "a", 5.0))
        await stage.commit(a_row(1, "step_update", {"step": "a"}))
        await waiting
        await stage.reader.close()

        assert stage.reader.state.steps == {"a": "in_progress"}

    run(story())


def test_recovery_that_is_wired_fetches_after_the_loss() -> None:
    async def story() -> None:
        stage = await accused(uses_recovery=True).live()
        await stage.commit(a_row(1))
        await stage.reader.drop()
        await stage.commit(a_row(2), live=False)
        await stage.clock.sleep(2.0)
        during = stage.reader.held()
        stage.client.reconnect()
        await stage.clock.sleep(5.0)
        await stage.reader.close()

        assert (during["timers"], stage.reader.held()["timers"]) == (1, 0)
        assert stage.applied() == [(1, "live"), (2, "fetch")]

    run(story())


def test_leaving_ends_everything_and_close_shows_what_was_there() -> None:
    async def story() -> None:
        stage = await accused().live()
        await stage.reader.leave()
        await stage.reader.close()

        assert [op.f for op in stage.recorder.ops()][-4:] == ["leave", "status", "close", "view"]
        assert asyncio.all_tasks() == {asyncio.current_task()}
        with pytest.raises(ClientError, match="reader is closed"):
            await stage.reader.wait_ready(1.0)

    run(story())


def test_other_system_messages_are_told() -> None:
    async def story() -> None:
        stage = await accused().live()
        notice = {"topic": EVENTS, "extension": "system", "status": "ok", "message": "Server requested disconnect"}
        await stage.hear(SystemNotice(**notice))
        await stage.reader.close()

        assert stage.told("system") == [notice]

    run(story())
