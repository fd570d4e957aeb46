"""A page without a socket: what it sends, fetches and shows when this or that happens."""

import json
from collections.abc import Sequence
from random import Random
from typing import Any
from uuid import UUID

from harness.history import Op, Recorder
from harness.phoenix.connection import Connect, Disconnect
from harness.pipeline.app_api import EventPage
from harness.pipeline.reader_channels import READY_S
from harness.pipeline.reader_status import Status
from load.tab import Applied, Tab

PROCESS = "6f1b1c1e-5d57-4d1f-9a55-0f6f3a1c2b10"
USER = UUID("6f1b1c1e-5d57-4d1f-9a55-0f6f3a1c2b11")
EVENTS = f"realtime:process_events:process_id=eq.{PROCESS}"


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


def a_tab() -> tuple[Tab, Server, Recorder]:
    recorder = Recorder(lambda: 0.0)
    tab = Tab("reader-1", process_id=PROCESS, user="owner-1", user_id=USER, token="t", recorder=recorder, rng=Random(1))
    return tab, Server(tab), recorder


def a_live_tab() -> tuple[Tab, Server, Recorder]:
    tab, server, recorder = a_tab()
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
