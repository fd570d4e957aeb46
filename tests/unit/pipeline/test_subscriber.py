"""One reader over a scripted client and application, in a loop in which waiting costs nothing."""

import asyncio

import pytest

from harness.clients.client import (
    ChannelClosed,
    Joined,
    Refused,
    SystemNotice,
)
from harness.errors import ClientError, ClientMissing, ConnectRefused, FetchFailed
from harness.events.event import content_hash, text_hash
from harness.pipeline.reader_status import Status
from tests.browser import (
    COMPLETED,
    EVENTS,
    HEARTBEAT,
    INPUT,
    PROCESS,
    QUESTION,
    STATE,
    TEXT,
    USER,
    a_change,
    a_row,
    a_state_row,
    is_deaf,
    is_ready,
    reference,
)
from tests.instant import run


def test_a_late_joiner_gets_everything_by_the_backfill() -> None:
    async def story() -> None:
        stage = await reference(*(a_row(n) for n in range(1, 6)), page_size=2).live()
        await stage.reader.close()

        assert stage.applied() == [(n, "fetch") for n in range(1, 6)]
        assert stage.statuses() == ["connecting", "catching_up", "live"]
        assert [fetch["since"] for fetch in stage.told("fetch") if "events" in fetch] == [0, 2, 4]

    run(story())


def test_it_asks_for_the_two_channels_of_the_specification() -> None:
    async def story() -> None:
        stage = await reference().live()
        await stage.reader.close()

        assert {topic: [binding.as_json() for binding in asked] for topic, asked in stage.client.bindings.items()} == {
            f"process_events:process_id=eq.{PROCESS}": [
                {
                    "event": "INSERT",
                    "schema": "public",
                    "table": "process_events",
                    "filter": f"process_id=eq.{PROCESS}",
                }
            ],
            f"process_state:{PROCESS}": [
                {
                    "event": "UPDATE",
                    "schema": "public",
                    "table": "generated_articles_state",
                    "filter": f"id=eq.{PROCESS}",
                }
            ],
        }

    run(story())


def test_the_history_tells_each_hop_of_a_live_event() -> None:
    async def story() -> None:
        stage = await reference().live()
        row = a_row(1)
        await stage.commit(row)
        await stage.reader.close()

        keys = {"event_id": row["id"], "process_id": PROCESS, "event_type": "heartbeat", "sequence": 1}
        content = content_hash(HEARTBEAT)
        assert stage.told("receive") == [
            {**keys, "table": "process_events", "action": "INSERT", "topic": EVENTS, "bytes": 10}
        ]
        assert stage.told("deliver") == [{**keys, "via": "live"}]
        assert stage.told("apply") == [{**keys, "via": "live", "cursor": 1, "content": content}]

    run(story())


def test_the_history_tells_of_the_connection() -> None:
    async def story() -> None:
        stage = await reference().live()
        await stage.reader.close()

        order = [(op.f, op.value.get("topic") or op.value.get("status")) for op in stage.recorder.ops()]
        assert order == [
            ("subscribe", None),
            ("status", "connecting"),
            ("join", EVENTS),
            ("join", STATE),
            ("open", None),
            ("join", EVENTS),
            ("ready", EVENTS),
            ("join", STATE),
            ("ready", STATE),
            ("status", "catching_up"),
            ("fetch", None),
            ("fetch", None),
            ("status", "live"),
            ("metrics", None),
            ("view", "new"),
            ("close", None),
        ]
        assert stage.told("subscribe") == [
            {"process_id": PROCESS, "user": "alice", "user_id": str(USER), "role": "authenticated", "client": "native"}
        ]
        assert stage.told("close") == [{"code": 1000, "reason": "", "by": "client"}]

    run(story())


def test_it_is_not_ready_while_one_channel_is_not() -> None:
    async def story() -> None:
        stage = reference()
        stage.client.outcomes[STATE].append([Joined(topic=STATE)])
        await stage.reader.start()

        with pytest.raises(TimeoutError, match=r"reader was not ready within 5 s: it is connecting"):
            await stage.reader.wait_ready(5.0)
        await stage.hear(is_ready(STATE))
        await stage.reader.wait_ready(1.0)
        await stage.reader.close()

        assert stage.statuses() == ["connecting", "catching_up", "live"]

    run(story())


def test_a_repeated_ready_fetches_again_and_applies_nothing_twice() -> None:
    async def story() -> None:
        stage = await reference(a_row(1)).live()

        await stage.hear(is_ready(EVENTS))
        await stage.reader.close()

        assert stage.applied() == [(1, "fetch")]
        assert stage.statuses() == ["connecting", "catching_up", "live", "catching_up", "live"]

    run(story())


def test_a_hole_that_is_filled_in_time_is_no_gap() -> None:
    async def story() -> None:
        stage = await reference().live()
        await stage.commit(a_row(1), live=False)
        await stage.commit(a_row(2))
        await stage.clock.sleep(0.5)

        await stage.hear(a_change(EVENTS, a_row(1)))
        await stage.clock.sleep(5.0)
        await stage.reader.close()

        assert stage.applied() == [(1, "live"), (2, "live")]
        assert (stage.told("gap"), len(stage.history.where(f="fetch", type="invoke"))) == ([], 1)

    run(story())


def test_a_hole_that_lasts_is_told_and_fetched() -> None:
    async def story() -> None:
        stage = await reference().live()
        await stage.commit(a_row(1), live=False)
        await stage.commit(a_row(2))
        heard = stage.clock.now()

        await stage.reader.wait_until(lambda state: state.last_event_sequence == 2, 5.0)
        took = stage.clock.now() - heard
        await stage.reader.close()

        assert stage.applied() == [(1, "fetch"), (2, "live")]
        assert stage.told("gap") == [{"process_id": PROCESS, "after": 0, "before": 2}]
        assert 0.7 < took < 0.8

    run(story())


def test_a_permanent_gap_is_told_once() -> None:
    async def story() -> None:
        stage = await reference().live()
        await stage.commit(a_row(2))
        await stage.clock.sleep(30.0)
        await stage.commit(a_row(3))
        await stage.reader.close()

        assert stage.applied() == [(2, "live"), (3, "live")]
        assert stage.told("gap_permanent") == [{"process_id": PROCESS, "after": 0, "before": 2}]

    run(story())


def test_duplicates_are_delivered_and_not_applied() -> None:
    async def story() -> None:
        stage = await reference().live()
        await stage.commit(a_row(1))
        await stage.hear(a_change(EVENTS, a_row(1)), a_change(EVENTS, a_row(1)))
        await stage.reader.close()

        assert (len(stage.told("deliver")), stage.applied()) == (3, [(1, "live")])

    run(story())


def test_a_failed_fetch_is_shown_as_stale_and_asked_again() -> None:
    async def story() -> None:
        stage = reference(a_row(1))
        stage.app.failures.extend([FetchFailed("u", 500, "down"), FetchFailed("u", 0, "no answer")])
        await stage.live()
        await stage.reader.close()

        assert stage.applied() == [(1, "fetch")]
        assert stage.statuses() == ["connecting", "catching_up", "stale", "catching_up", "live"]
        assert [fetch for fetch in stage.told("fetch") if fetch.get("type") == "fail"] == [
            {"process_id": PROCESS, "since": 0, "type": "fail", "error": "u answered 500: down"},
            {"process_id": PROCESS, "since": 0, "type": "fail", "error": "u did not answer: no answer"},
        ]

    run(story())


def test_after_a_lost_socket_what_was_missed_is_fetched() -> None:
    async def story() -> None:
        stage = await reference(a_row(1)).live()
        await stage.reader.drop()
        await stage.clock.sleep(1.0)
        offline = stage.reader.status
        await stage.commit(a_row(2), live=False)

        stage.client.reconnect()
        await stage.reader.wait_ready(5.0)
        await stage.reader.close()

        assert offline is Status.OFFLINE
        assert stage.applied() == [(1, "fetch"), (2, "fetch")]
        assert stage.told("close")[0] == {"code": 1006, "reason": "", "by": "client"}
        assert stage.client.calls == [("subscribe", EVENTS), ("subscribe", STATE)]

    run(story())


@pytest.mark.parametrize("topic", [EVENTS, STATE])
def test_phx_close_is_offline_until_the_channel_is_joined_afresh(topic: str) -> None:
    async def story() -> None:
        stage = await reference(a_row(1)).live()
        await stage.hear(ChannelClosed(topic=topic))
        await stage.commit(a_row(2), live=False)

        await stage.reader.wait_until(lambda state: state.last_event_sequence == 2, 5.0)
        await stage.reader.close()

        assert stage.statuses() == ["connecting", "catching_up", "live", "offline", "connecting", "catching_up", "live"]
        assert stage.client.calls[2:] == [("subscribe", topic)]
        assert stage.told("system") == [
            {
                "topic": topic,
                "extension": "phoenix",
                "status": "error",
                "message": "phx_close",
                "type": "fail",
                "error": "phx_close",
            }
        ]

    run(story())


def test_a_refused_join_is_told_and_tried_again_with_growing_pauses() -> None:
    async def story() -> None:
        stage = reference()
        stage.client.outcomes[EVENTS].extend([Refused(topic=EVENTS, reason="no")] for _ in range(8))
        await stage.reader.start()
        await stage.reader.wait_ready(120.0)
        took = stage.clock.now()
        await stage.reader.close()

        refused = [join for join in stage.told("join") if join.get("type") == "fail"]
        assert refused == [{"topic": EVENTS, "type": "fail", "error": "no"}] * 8
        assert stage.client.calls.count(("unsubscribe", EVENTS)) == 8
        assert 8.0 < took < 70.0

    run(story())


def test_a_deaf_channel_is_left_and_joined_afresh() -> None:
    async def story() -> None:
        stage = reference()
        stage.client.outcomes[STATE].append([Joined(topic=STATE), is_deaf(STATE)])
        await stage.live()
        await stage.reader.close()

        told = [(notice["extension"], notice["status"], notice.get("type", "ok")) for notice in stage.told("system")]
        assert told == [("postgres_changes", "error", "fail"), ("phoenix", "ok", "ok")]
        assert stage.client.calls[1:] == [("subscribe", STATE), ("unsubscribe", STATE), ("subscribe", STATE)]

    run(story())


def test_other_system_messages_are_told_and_change_nothing() -> None:
    async def story() -> None:
        stage = await reference().live()
        notice = {"topic": EVENTS, "extension": "system", "status": "ok", "message": "Server requested disconnect"}

        await stage.hear(SystemNotice(**notice))
        status = stage.reader.status
        await stage.reader.close()

        assert (status, stage.told("system")) == (Status.LIVE, [notice])

    run(story())


def test_a_refused_socket_is_told_and_tried_again() -> None:
    async def story() -> None:
        stage = reference()
        stage.client.refusals.extend([ConnectRefused(429, "Too many connected users"), ClientError("no network")])
        await stage.live()
        await stage.reader.close()

        opens = [(value.get("type", "ok"), value.get("error")) for value in stage.told("open")]
        assert opens == [
            ("fail", "the server refused the socket with HTTP 429: Too many connected users"),
            ("fail", "no network"),
            ("ok", None),
        ]
        assert stage.statuses()[:4] == ["connecting", "offline", "connecting", "offline"]

    run(story())


def test_a_missing_client_is_raised_and_not_tried_again() -> None:
    async def story() -> None:
        stage = reference()
        stage.client.refusals.append(ClientMissing("pip install realtime"))
        await stage.reader.start()

        with pytest.raises(ClientMissing):
            await stage.reader.wait_ready(5.0)
        with pytest.raises(ClientMissing):
            await stage.reader.close()

    run(story())


def test_each_join_of_its_own_carries_a_fresh_token() -> None:
    async def story() -> None:
        stage = await reference(tokens=True).live()
        await stage.clock.sleep(40.0)
        await stage.reader.drop()
        await stage.clock.sleep(10.0)
        await stage.hear(ChannelClosed(topic=EVENTS))
        await stage.clock.sleep(5.0)
        await stage.reader.close()

        tokens = [what for call, what in stage.client.calls if call == "set_token"]
        assert tokens[:2] == ["token at 0", "token at 40"]
        assert stage.client.calls[-1] == ("subscribe", EVENTS)
        assert stage.client.calls[-2][0] == "set_token"
        assert len(tokens) == 3

    run(story())


def test_an_event_that_cannot_be_read_is_told_and_is_a_hole() -> None:
    async def story() -> None:
        stage = await reference().live()
        cut = {key: value for key, value in a_row(1).items() if key != "event_data"}
        stage.app.rows.append(a_row(1))

        await stage.hear(a_change(EVENTS, cut, errors=["Error 413: Payload Too Large"]))
        await stage.reader.wait_until(lambda state: state.last_event_sequence == 1, 5.0)
        await stage.reader.close()

        assert stage.told("deliver")[0] == {
            "process_id": PROCESS,
            "event_id": a_row(1)["id"],
            "event_type": "heartbeat",
            "sequence": 1,
            "via": "live",
            "type": "fail",
            "error": "KeyError: 'event_data'; the server says ['Error 413: Payload Too Large']",
        }
        assert stage.applied() == [(1, "fetch")]

    run(story())


def test_an_unknown_type_in_the_table_is_a_permanent_gap_and_holds_nothing_up() -> None:
    async def story() -> None:
        stage = await reference(a_row(1), a_row(2, "generic_event"), a_row(3)).live()
        await stage.reader.close()

        failed = [deliver["error"] for deliver in stage.told("deliver") if deliver.get("type") == "fail"]
        assert stage.applied() == [(1, "fetch"), (3, "fetch")]
        assert stage.told("gap_permanent") == [{"process_id": PROCESS, "after": 1, "before": 3}]
        assert len(failed) == 2
        assert failed[0].startswith("UnknownEventType: unknown event type 'generic_event'")

    run(story())


def test_an_event_of_another_process_is_not_applied() -> None:
    async def story() -> None:
        stage = await reference().live()

        await stage.hear(a_change(EVENTS, {**a_row(1), "process_id": INPUT}))
        await stage.clock.sleep(5.0)
        await stage.reader.close()

        assert (stage.applied(), stage.told("gap")) == ([], [])
        assert stage.told("deliver")[0]["error"] == f"InvalidEvent: heartbeat: it belongs to process {INPUT}"

    run(story())


def test_a_newer_state_row_is_taken_and_an_older_one_is_not() -> None:
    async def story() -> None:
        stage = await reference(a_row(1), a_row(2)).live()

        await stage.hear(a_change(STATE, a_state_row(2, "failed")))
        old = stage.reader.state.status
        await stage.hear(a_change(STATE, a_state_row(3, "paused")))
        new = stage.reader.state.status
        await stage.commit(a_row(3))
        await stage.reader.close()

        assert (old, new) == ("new", "paused")
        assert stage.told("snapshot") == [
            {"process_id": PROCESS, "last_event_sequence": 2, "taken": False},
            {"process_id": PROCESS, "last_event_sequence": 3, "taken": True},
        ]

    run(story())


def test_a_state_row_that_is_ahead_has_the_lost_event_fetched() -> None:
    async def story() -> None:
        stage = await reference(a_row(1)).live()
        await stage.commit(a_row(2), live=False)

        await stage.hear(a_change(STATE, a_state_row(2)))
        await stage.reader.wait_until(lambda state: state.last_event_sequence == 2, 5.0)
        await stage.reader.close()

        assert stage.applied() == [(1, "fetch"), (2, "fetch")]

    run(story())


def test_a_state_row_that_lacks_a_column_is_told() -> None:
    async def story() -> None:
        stage = await reference().live()

        await stage.hear(a_change(STATE, {"id": PROCESS, "status": "running"}))
        await stage.reader.close()

        assert stage.told("snapshot") == [
            {"process_id": PROCESS, "taken": False, "type": "fail", "error": "KeyError: 'last_event_sequence'"}
        ]

    run(story())


def test_the_end_is_shown_with_the_text_of_the_article() -> None:
    async def story() -> None:
        stage = reference(a_row(1, "process_completed", COMPLETED))
        stage.app.content_failures.append(FetchFailed("u", 503, "busy"))
        await stage.live()
        await stage.reader.close()

        assert stage.reader.status is Status.ENDED
        assert stage.told("view") == [
            {
                "process_id": PROCESS,
                "status": "completed",
                "current_step": "completed",
                "is_waiting_for_input": False,
                "expected_user_input": None,
                "last_event_sequence": 1,
                "stale": False,
                "sections": [],
                "article_sha256": text_hash(TEXT),
            }
        ]

    run(story())


def test_an_article_other_than_the_promised_one_is_told() -> None:
    async def story() -> None:
        stage = reference(a_row(1, "process_completed", COMPLETED))
        stage.app.text = "other"
        await stage.live()
        await stage.reader.close()

        view = stage.history.where(f="view")[0]
        assert view.value.article_sha256 == text_hash("other")
        assert view.error == "article: its hash is not the one that process_completed told"

    run(story())


def test_an_article_that_does_not_come_is_waited_for_a_while_and_told() -> None:
    async def story() -> None:
        stage = reference(a_row(1, "process_completed", COMPLETED))
        stage.app.content_failures.extend(FetchFailed("u", 404, "none") for _ in range(100))
        await stage.live()
        before = stage.clock.now()
        await stage.reader.close()

        view = stage.history.where(f="view")[0]
        assert stage.clock.now() - before == pytest.approx(5.0)
        assert view.value.article_sha256 is None
        assert view.error is not None
        assert view.error.startswith("article: u answered 404: none")

    run(story())


def test_an_answer_is_posted_with_the_question_that_is_shown() -> None:
    async def story() -> None:
        stage = await reference(a_row(1, "user_input_required", QUESTION)).live()
        shown = stage.reader.shows_question("SELECT_THEME")
        await stage.reader.answer("SELECT_THEME", "select", {"selected_index": 0})
        again = stage.reader.shows_question("SELECT_THEME")
        await stage.reader.close()

        assert (shown, again) == (True, False)
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
        told = {
            "process_id": PROCESS,
            "action": "user-input",
            "input_type": "SELECT_THEME",
            "input_action": "select",
        }
        assert stage.told("act") == [{**told, "type": "invoke", "error": None}, told]

    run(story())


def test_a_question_that_nobody_asks_cannot_be_answered() -> None:
    async def story() -> None:
        stage = await reference().live()

        with pytest.raises(TimeoutError, match="was not asked SELECT_THEME within 3 s"):
            await stage.reader.answer("SELECT_THEME", "select", {}, timeout=3.0)
        await stage.reader.close()

    run(story())


def test_an_answer_that_was_refused_may_be_given_again() -> None:
    async def story() -> None:
        stage = await reference(a_row(1, "user_input_required", QUESTION)).live()
        stage.app.failures.append(FetchFailed("u", 503, "busy"))

        with pytest.raises(FetchFailed):
            await stage.reader.answer("SELECT_THEME", "select", {})
        await stage.reader.answer("SELECT_THEME", "select", {})
        await stage.reader.close()

        assert [act.get("type", "ok") for act in stage.told("act")] == ["invoke", "fail", "invoke", "ok"]

    run(story())


def test_an_action_without_an_answer_may_have_happened() -> None:
    async def story() -> None:
        stage = await reference().live()
        stage.app.failures.append(FetchFailed("u", 0, "no answer"))

        with pytest.raises(FetchFailed):
            await stage.reader.pause()
        await stage.reader.resume()
        await stage.reader.close()

        assert [(act["action"], act.get("type", "ok")) for act in stage.told("act")] == [
            ("pause", "invoke"),
            ("pause", "info"),
            ("resume", "invoke"),
            ("resume", "ok"),
        ]

    run(story())


def test_it_acknowledges_as_far_as_it_has_applied() -> None:
    async def story() -> None:
        stage = await reference(a_row(1), a_row(2)).live()
        await stage.reader.acknowledge()
        await stage.reader.close()

        assert stage.app.posts == [("ack", {"up_to_sequence": 2})]
        assert stage.reader.applied("heartbeat") == 2

    run(story())


def test_silence_has_it_find_what_was_lost_last() -> None:
    async def story() -> None:
        stage = await reference(a_row(1)).live()
        await stage.commit(a_row(2), live=False)

        await stage.reader.wait_until(lambda state: state.last_event_sequence == 2, 60.0)
        await stage.reader.close()

        assert 40.0 < stage.clock.now() < 50.0

    run(story())


def test_what_came_live_is_measured_and_everything_that_came_is_in_the_log() -> None:
    async def story() -> None:
        stage = await reference(a_row(1)).live()
        await stage.commit(a_row(2))
        await stage.reader.close()

        (told,) = stage.told("metrics")
        assert [told[key] for key in ("received", "skewed", "logged", "forgotten")] == [1, 0, 2, 0]
        assert told["p99_s"] == told["longest_s"] is not None
        assert [entry.event.sequence for entry in stage.reader.event_log.history(process_id=PROCESS)] == [2, 1]

    run(story())


def test_leaving_ends_everything_and_close_shows_what_was_there() -> None:
    async def story() -> None:
        stage = await reference(a_row(1)).live()
        await stage.reader.leave()
        await stage.commit(a_row(2))
        await stage.reader.close()

        last = [op.f for op in stage.recorder.ops()][-5:]
        assert last == ["leave", "status", "close", "metrics", "view"]
        assert stage.applied() == [(1, "fetch")]
        with pytest.raises(ClientError, match="reader is closed"):
            await stage.reader.wait_ready(1.0)

    run(story())


def test_closing_twice_shows_once_and_leaves_no_task() -> None:
    async def story() -> None:
        stage = await reference(a_row(1)).live()
        await stage.reader.close()
        await stage.reader.close()

        assert len(stage.told("view")) == 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(story())


def test_what_ends_the_reader_from_inside_reaches_whoever_waits() -> None:
    async def story() -> None:
        stage = await reference().live()
        waiting = asyncio.create_task(stage.reader.wait_until(lambda state: state.paused, 60.0))
        await stage.clock.sleep(1.0)

        stage.client.put(RuntimeError("broken"))
        with pytest.raises(RuntimeError, match="broken"):
            await waiting
        with pytest.raises(RuntimeError, match="broken"):
            await stage.reader.close()

        assert (len(stage.told("view")), stage.client.closed) == (1, 1)

    run(story())


def test_it_must_be_started_first() -> None:
    async def story() -> None:
        stage = reference()

        with pytest.raises(ClientError, match="was not started"):
            await stage.reader.wait_ready(1.0)

    run(story())


def test_what_did_not_come_and_why_is_told() -> None:
    async def story() -> None:
        stage = await reference(a_row(1)).live()
        cut = {key: value for key, value in a_row(1).items() if key not in ("event_data", "expires_at")}

        await stage.hear(a_change(EVENTS, cut, errors=["Error 413: Payload Too Large"]))
        await stage.reader.close()

        (received,) = stage.told("receive")
        assert (received["missing"], received["errors"]) == (
            ["event_data", "expires_at"],
            ["Error 413: Payload Too Large"],
        )

    run(story())


def test_deaf_channels_are_found_by_the_silence_and_joined_afresh() -> None:
    async def story() -> None:
        stage = await reference(a_row(1)).live()
        await stage.commit(a_row(2), live=False)

        await stage.clock.sleep(60.0)
        await stage.commit(a_row(3))
        await stage.reader.close()

        assert stage.applied() == [(1, "fetch"), (2, "fetch"), (3, "live")]
        assert stage.statuses()[3:] == ["catching_up", "offline", "connecting", "catching_up", "live"]
        assert sorted(stage.client.calls[2:4]) == [("unsubscribe", EVENTS), ("unsubscribe", STATE)]
        assert sorted(stage.client.calls[4:]) == [("subscribe", EVENTS), ("subscribe", STATE)]

    run(story())


def test_a_quiet_process_is_no_reason_to_join_afresh() -> None:
    async def story() -> None:
        stage = await reference(a_row(1)).live()

        await stage.clock.sleep(200.0)
        await stage.reader.close()

        assert stage.client.calls == [("subscribe", EVENTS), ("subscribe", STATE)]
        assert len(stage.history.where(f="fetch", type="invoke")) == 5

    run(story())


def test_a_page_that_is_taken_down_and_put_up_again_keeps_its_cursor() -> None:
    async def story() -> None:
        stage = await reference(a_row(1)).live()

        await stage.reader.remount()
        between = stage.reader.status
        await stage.commit(a_row(2), live=False)
        await stage.reader.wait_ready(10.0)
        await stage.reader.close()

        assert (between, stage.applied()) == (Status.OFFLINE, [(1, "fetch"), (2, "fetch")])
        assert sorted(stage.client.calls[2:4]) == [("unsubscribe", EVENTS), ("unsubscribe", STATE)]
        assert sorted(stage.client.calls[4:]) == [("subscribe", EVENTS), ("subscribe", STATE)]

    run(story())


def test_until_the_user_is_signed_in_it_only_has_a_socket() -> None:
    async def story() -> None:
        stage = reference(a_row(1), tokens=True, signed_in=False)
        await stage.reader.start()
        await stage.clock.sleep(5.0)
        before, status = list(stage.client.calls), stage.reader.status

        await stage.reader.sign_in("alice")
        await stage.reader.wait_ready(10.0)
        await stage.reader.close()

        assert (before, status) == ([], Status.CONNECTING)
        assert stage.client.calls == [("set_token", "alice"), ("subscribe", EVENTS), ("subscribe", STATE)]
        assert stage.applied() == [(1, "fetch")]

    run(story())


def test_another_sign_in_joins_afresh_and_fetches() -> None:
    async def story() -> None:
        stage = await reference(a_row(1), tokens=True).live()
        await stage.commit(a_row(2), live=False)

        await stage.reader.sign_in("bob")
        await stage.reader.wait_ready(10.0)
        await stage.reader.close()

        assert ("set_token", "bob") in stage.client.calls
        assert stage.applied() == [(1, "fetch"), (2, "fetch")]

    run(story())


def test_what_it_holds_is_counted() -> None:
    async def story() -> None:
        stage = reference()
        before = stage.reader.held()
        await stage.live()
        await stage.hear(a_change(EVENTS, a_row(3)))
        during = stage.reader.held()
        await stage.reader.close()

        assert before == {"channels": 0, "timers": 0, "buffered": 0}
        assert during == {"channels": 2, "timers": 1, "buffered": 1}

    run(story())


def test_it_must_be_started_before_anybody_signs_in_or_remounts() -> None:
    async def story() -> None:
        stage = reference()

        with pytest.raises(ClientError, match="was not started"):
            await stage.reader.remount()
        with pytest.raises(ClientError, match="was not started"):
            await stage.reader.sign_in("alice")

    run(story())
