"""A page without a socket: what it sends, fetches and shows when this or that happens."""

import json
from collections.abc import Sequence
from random import Random
from typing import Any
from uuid import UUID

from harness.history import Op, Recorder
from harness.phoenix.connection import Connect, Disconnect
from harness.phoenix.message import JSON_ENCODED
from harness.phoenix.serializer import encode_user_broadcast
from harness.pipeline.app_api import EventPage
from harness.pipeline.reader_channels import READY_S
from harness.pipeline.reader_status import Status
from load.reading.tab import Applied, Tab
from load.reading.transport import BY_NAME

PROCESS = "6f1b1c1e-5d57-4d1f-9a55-0f6f3a1c2b10"
USER = UUID("6f1b1c1e-5d57-4d1f-9a55-0f6f3a1c2b11")
EVENTS = f"realtime:process_events:process_id=eq.{PROCESS}"
TOPIC = f"realtime:process:{PROCESS}"
REPLICATING = {
    "extension": "system",
    "status": "ok",
    "message": "Replication connection established",
    "channel": f"process:{PROCESS}",
}


class Server:
    """Answers a tab as the server does, as far as these tests go."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.joins: dict[str, list[Any]] = {}

    def sent(self) -> list[list[Any]]:
        return [json.loads(frame) for frame in self.tab.frames_to_send()]

    def accept(self, now: float, *, ready: bool = True) -> None:
        """Take every join that was sent, and say that its changes flow."""
        for frame in self.sent():
            if frame[3] == "phx_join":
                self.joins[frame[2]] = frame
                granted = [{**each, "id": 7} for each in frame[4]["config"]["postgres_changes"]]
                self.say(frame[2], "phx_reply", {"status": "ok", "response": {"postgres_changes": granted}}, now)
                if ready:
                    self.say(
                        frame[2],
                        "system",
                        {"extension": "postgres_changes", "status": "ok", "message": "", "channel": "c"},
                        now,
                    )

    def say(self, topic: str, event: str, payload: dict[str, Any], now: float) -> None:
        join_ref = self.joins[topic][0]
        ref = join_ref if event == "phx_reply" else None
        self.tab.received(json.dumps([join_ref, ref, topic, event, payload]), now)

    def broadcast(self, table: str, operation: str, record: dict[str, Any], now: float) -> None:
        """A row as the database broadcasts it, in a binary frame."""
        told = {"operation": operation, "schema": "public", "table": table, "record": record, "old_record": None}
        data = json.dumps(told).encode()
        self.tab.received(encode_user_broadcast(TOPIC, operation, {"id": "1"}, JSON_ENCODED, data), now)

    def insert(self, sequence: int, now: float) -> None:
        data = {
            "schema": "public",
            "table": "process_events",
            "type": "INSERT",
            "commit_timestamp": "2026-01-01T00:00:00Z",
            "record": row(sequence),
        }
        self.say(EVENTS, "postgres_changes", {"ids": [7], "data": data}, now)


def row(sequence: int) -> dict[str, Any]:
    return {
        "id": str(UUID(int=sequence)),
        "process_id": PROCESS,
        "event_type": "step_completed",
        "event_data": {"step": "editing", "result": {}},
        "event_sequence": sequence,
        "published_at": "2026-01-01T00:00:00+00:00",
        "created_at": "2026-01-01T00:00:00+00:00",
    }


def a_tab(transport: str = "postgres_changes", *, lenient: bool = False) -> tuple[Tab, Server, Recorder]:
    recorder = Recorder(lambda: 0.0)
    tab = Tab(
        "reader-1",
        process_id=PROCESS,
        user="owner-1",
        user_id=USER,
        token="t",
        recorder=recorder,
        rng=Random(1),
        transport=BY_NAME[transport],
        lenient=lenient,
    )
    return tab, Server(tab), recorder


def a_live_tab(*, lenient: bool = False) -> tuple[Tab, Server, Recorder]:
    tab, server, recorder = a_tab(lenient=lenient)
    tab.open(0.0)
    tab.opened(0.0)
    server.accept(0.0)
    assert tab.fetches() == [0]
    tab.fetched(0, EventPage(events=(), last_sequence=0, complete=True), 0.1)
    return tab, server, recorder


def told(recorder: Recorder, f: str) -> Sequence[Op]:
    return [op for op in recorder.ops() if op.f == f]


def shown(applied: Sequence[Applied]) -> list[tuple[int, str]]:
    return [(UUID(one.event_id).int, one.via) for one in applied]


def test_an_opened_page_wants_a_socket_and_joins_both_channels_on_it() -> None:
    tab, server, _ = a_tab()

    tab.open(0.0)
    wanted = tab.wants()
    tab.opened(0.0)

    assert wanted == Connect()
    assert [frame[3] for frame in server.sent()] == ["phx_join", "phx_join"]


def test_it_is_live_when_both_channels_are_ready_and_the_backfill_is_there() -> None:
    tab, _, recorder = a_live_tab()

    assert tab.status is Status.LIVE
    assert [op.value.status for op in told(recorder, "status")] == ["connecting", "catching_up", "live"]


def test_a_change_is_shown_and_told() -> None:
    tab, server, recorder = a_live_tab()

    server.insert(1, 1.0)

    assert shown(tab.applied()) == [(1, "live")]
    assert [op.value.sequence for op in told(recorder, "apply")] == [1]
    assert tab.cursor == 1


def test_a_hole_is_waited_for_then_fetched_and_shown_in_order() -> None:
    tab, server, recorder = a_live_tab()

    server.insert(2, 1.0)
    before = shown(tab.applied())
    deadline = tab.next_deadline()
    assert deadline is not None
    tab.tick(deadline)
    asked = tab.fetches()
    tab.fetched(0, EventPage(events=(row(1), row(2)), last_sequence=2, complete=True), 2.0)

    assert (before, asked) == ([], [0])
    assert shown(tab.applied()) == [(1, "fetch"), (2, "live")]
    assert len(told(recorder, "gap")) == 1


def test_a_lost_socket_makes_it_offline_until_it_is_back() -> None:
    tab, server, _ = a_live_tab()

    tab.socket_closed(1006, "", "server", 1.0)
    offline = tab.status
    deadline = tab.next_deadline()
    assert deadline is not None
    tab.tick(deadline)
    wanted = tab.wants()
    tab.opened(deadline)
    server.accept(deadline)
    tab.fetched(0, EventPage(events=(), last_sequence=0, complete=True), deadline)

    assert (offline, wanted) == (Status.OFFLINE, Connect())
    assert tab.status is Status.LIVE


def test_a_channel_that_the_server_has_closed_is_joined_afresh() -> None:
    tab, server, _ = a_live_tab()

    server.say(EVENTS, "phx_close", {}, 1.0)
    tab.tick(3.0)  # the first pause is a second at most
    server.accept(3.0)
    tab.fetched(0, EventPage(events=(), last_sequence=0, complete=True), 3.0)

    assert tab.status is Status.LIVE


def test_a_channel_that_is_never_ready_is_left() -> None:
    tab, server, _ = a_tab()
    tab.open(0.0)
    tab.opened(0.0)
    server.accept(0.0, ready=False)

    tab.tick(READY_S)

    assert [frame[3] for frame in server.sent() if frame[2] == EVENTS and frame[3] != "heartbeat"] == ["phx_leave"]


def test_a_row_that_cannot_be_read_is_told_and_leaves_a_hole() -> None:
    tab, server, recorder = a_live_tab()
    data = {"schema": "public", "table": "process_events", "type": "INSERT", "record": {**row(1), "event_data": 3}}

    server.say(EVENTS, "postgres_changes", {"ids": [7], "data": data}, 1.0)

    assert [(op.type, op.value.event_id) for op in told(recorder, "deliver")] == [("fail", str(UUID(int=1)))]
    assert (tab.cursor, shown(tab.applied())) == (0, [])


def test_a_lenient_page_passes_over_what_it_does_not_understand() -> None:
    tab, server, recorder = a_live_tab(lenient=True)
    strange = {**row(1), "event_type": "generic_event"}
    data = {"schema": "public", "table": "process_events", "type": "INSERT", "record": strange}

    server.say(EVENTS, "postgres_changes", {"ids": [7], "data": data}, 1.0)
    server.insert(2, 1.1)

    applied = told(recorder, "apply")
    assert [(op.value.event_type, op.value.get("handled", True)) for op in applied] == [
        ("generic_event", False),
        ("step_completed", True),
    ]
    assert (tab.cursor, [one.event_type for one in tab.applied()]) == (2, ["generic_event", "step_completed"])


def test_a_page_that_stays_tells_what_it_shows_when_it_is_closed() -> None:
    tab, server, recorder = a_live_tab()
    server.insert(1, 1.0)

    tab.close(2.0, leaves=False)
    wanted = tab.wants()
    tab.socket_closed(1000, "", "client", 2.0)

    assert [op.value.last_event_sequence for op in told(recorder, "view")] == [1]
    assert isinstance(wanted, Disconnect)
    assert tab.ended


def test_a_page_that_leaves_says_so_and_shows_nothing() -> None:
    tab, _, recorder = a_live_tab()

    tab.close(2.0, leaves=True)

    assert [len(told(recorder, f)) for f in ("leave", "view")] == [1, 0]


def a_live_tab_of_broadcasts() -> tuple[Tab, Server, Recorder]:
    tab, server, recorder = a_tab("broadcast")
    tab.open(0.0)
    tab.opened(0.0)
    server.accept(0.0, ready=False)
    server.say(TOPIC, "system", REPLICATING, 0.1)
    assert tab.fetches() == [0]
    tab.fetched(0, EventPage(events=(), last_sequence=0, complete=True), 0.2)
    return tab, server, recorder


def test_over_broadcasts_it_joins_one_private_topic_and_asks_to_be_told_when_they_come() -> None:
    tab, server, _ = a_tab("broadcast")

    tab.open(0.0)
    tab.opened(0.0)

    (join,) = server.sent()
    assert join[2:4] == [TOPIC, "phx_join"]
    assert join[4]["config"] == {
        "broadcast": {"ack": False, "self": False, "replication_ready": True},
        "presence": {"key": "", "enabled": False},
        "postgres_changes": [],
        "private": True,
    }


def test_over_broadcasts_it_is_live_only_when_the_server_reads_the_database() -> None:
    tab, server, recorder = a_tab("broadcast")
    tab.open(0.0)
    tab.opened(0.0)
    server.accept(0.0, ready=False)
    before = tab.fetches()

    server.say(TOPIC, "system", REPLICATING, 0.1)
    asked = tab.fetches()
    tab.fetched(0, EventPage(events=(), last_sequence=0, complete=True), 0.2)

    assert (before, asked, tab.status) == ([], [0], Status.LIVE)
    assert [op.value.topic for op in told(recorder, "ready")] == [f"process:{PROCESS}"]


def test_a_broadcast_row_is_shown_and_told_as_a_change_is() -> None:
    tab, server, recorder = a_live_tab_of_broadcasts()

    server.broadcast("process_events", "INSERT", row(1), 1.0)

    (applied,) = tab.applied()
    assert (UUID(applied.event_id).int, applied.via, applied.bytes > 0) == (1, "live", True)
    (received,) = told(recorder, "receive")
    assert (received.value.table, received.value.action, received.value.sequence) == ("process_events", "INSERT", 1)


def test_a_broadcast_state_row_tells_of_events_that_did_not_come() -> None:
    tab, server, recorder = a_live_tab_of_broadcasts()
    facts = {"status": "in_progress", "current_step": None, "is_waiting_for_input": False, "expected_user_input": None}
    state = {"id": PROCESS, "last_event_sequence": 3, **facts}

    server.broadcast("generated_articles_state", "UPDATE", state, 1.0)
    deadline = tab.next_deadline()
    assert deadline is not None
    tab.tick(deadline)

    assert [op.value.last_event_sequence for op in told(recorder, "snapshot")] == [3]
    assert tab.fetches() == [0]


def test_a_broadcast_that_is_no_row_is_told_and_shown_to_nobody() -> None:
    tab, server, recorder = a_live_tab_of_broadcasts()

    server.say(TOPIC, "broadcast", {"type": "broadcast", "event": "x", "payload": {"hello": 1}}, 1.0)

    assert [(op.type, op.value.via) for op in told(recorder, "deliver")] == [("fail", "live")]
    assert (tab.cursor, shown(tab.applied())) == (0, [])
