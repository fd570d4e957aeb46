"""A client that just listens: what it hears, and what it says of it."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from harness.clients.client import (
    Binding,
    ChangeReceived,
    ChannelClosed,
    ClientEvent,
    Closed,
    Joined,
    Opened,
    Refused,
    SystemNotice,
)
from harness.errors import ClientError
from harness.history import Recorder
from harness.performing.listener import Listener
from harness.pipeline.trace import trace
from harness.tokens import user_id
from tests.instant import InstantClock, run
from tests.unit.performing.scripted import ScriptedClient

BINDING = {"event": "*", "schema": "public", "table": "process_events"}
READY = SystemNotice(topic="t", extension="postgres_changes", status="ok", message="Subscribed to PostgreSQL")
NO = SystemNotice(topic="t", extension="postgres_changes", status="error", message="no")
ROW = {"id": "e1", "process_id": "p1", "event_type": "heartbeat", "event_sequence": 3}


class Ear:
    def __init__(self, *events: ClientEvent | Exception) -> None:
        self.client = ScriptedClient(*events)
        self.recorder = Recorder(InstantClock().now)
        self.listener = Listener(
            "ear",
            self.client,
            topic="t",
            bindings=[BINDING],
            user="bob",
            user_id=user_id("bob"),
            role="anon",
            recorder=self.recorder,
            clock=InstantClock(),
            trace=trace,
        )

    def told(self) -> list[tuple[str, str, dict[str, Any], str | None]]:
        assert all(op.actor == "ear" for op in self.recorder.ops())
        return [(op.f, op.type, dict(op.value), op.error) for op in self.recorder.ops()]


def heard(*events: ClientEvent | Exception, then: Callable[[Ear], Coroutine[Any, Any, None]] | None = None) -> Ear:
    """The ear after it has settled, and a second more."""

    async def story() -> Ear:
        ear = Ear(*events)
        await ear.listener.start(30.0)
        await InstantClock().sleep(1.0)
        if then is not None:
            await then(ear)
        else:
            await ear.listener.close()
        return ear

    return run(story())


def test_it_says_what_it_listens_to_and_asks_for_it() -> None:
    ear = heard(Opened(), Joined(topic="t"), READY)

    assert ear.client.calls == [
        ("connect",),
        ("subscribe", "t", (Binding(event="*", schema="public", table="process_events"),)),
        ("close",),
    ]
    assert ear.told() == [
        (
            "listen",
            "ok",
            {"topic": "t", "bindings": [BINDING], "user": "bob", "user_id": str(user_id("bob")), "role": "anon"},
            None,
        ),
        ("join", "ok", {"topic": "t"}, None),
        ("ready", "ok", {"topic": "t"}, None),
    ]


@pytest.mark.parametrize(
    ("events", "last"),
    [
        ([Refused(topic="t", reason="too many")], ("join", "fail", {"topic": "t"}, "too many")),
        (
            [Joined(topic="t"), NO],
            (
                "system",
                "fail",
                {"topic": "t", "extension": "postgres_changes", "status": "error", "message": "no"},
                "no",
            ),
        ),
        (
            [Joined(topic="t"), SystemNotice(topic="t", extension="presence", status="ok", message="yes")],
            ("system", "ok", {"topic": "t", "extension": "presence", "status": "ok", "message": "yes"}, None),
        ),
    ],
    ids=["the join", "the subscription", "another extension"],
)
def test_what_is_refused_settles_it_as_well_and_is_told(
    events: list[ClientEvent], last: tuple[str, str, dict[str, Any], str | None]
) -> None:
    ear = heard(*events)

    assert ear.told()[-1] == last


def test_a_change_is_told_with_its_row_and_the_places_of_its_handlers() -> None:
    change = ChangeReceived(
        topic="t",
        schema="public",
        table="process_events",
        action="INSERT",
        commit_timestamp="now",
        record=ROW,
        handlers=(0, 2),
        bytes=99,
    )

    ear = heard(Joined(topic="t"), READY, change)

    assert ear.told()[-1] == (
        "receive",
        "ok",
        {
            "table": "process_events",
            "action": "INSERT",
            "event_id": "e1",
            "process_id": "p1",
            "event_type": "heartbeat",
            "sequence": 3,
            "topic": "t",
            "bytes": 99,
            "handlers": [0, 2],
            "record": ROW,
            "old_record": {},
        },
        None,
    )


@pytest.mark.parametrize("errors", [None, ["Error 413: Payload Too Large"]])
def test_a_deleted_row_has_only_its_key_and_errors_are_told(errors: list[str] | None) -> None:
    change = ChangeReceived(
        topic="t",
        schema="public",
        table="process_events",
        action="DELETE",
        commit_timestamp="now",
        record={},
        old_record={"id": "e1"},
        errors=errors,
    )

    ear = heard(READY, change)

    assert ear.told()[-1] == (
        "receive",
        "ok",
        {
            "table": "process_events",
            "action": "DELETE",
            "topic": "t",
            "bytes": 0,
            "handlers": [],
            "record": {},
            "old_record": {"id": "e1"},
            **({"errors": errors} if errors else {}),
        },
        None,
    )


def test_the_end_of_a_socket_is_told_and_that_of_a_channel_is_not() -> None:
    ear = heard(READY, ChannelClosed(topic="t"), Closed(code=1012, reason="restart"))

    assert ear.told()[2:] == [("close", "ok", {"code": 1012, "reason": "restart", "by": "server"}, None)]


def test_who_is_never_answered_is_given_up_with_words() -> None:
    async def story() -> tuple[str, float]:
        ear = Ear(Joined(topic="t"))
        with pytest.raises(TimeoutError) as waited:
            await ear.listener.start(7.0)
        await ear.listener.close()
        return str(waited.value), InstantClock().now()

    assert run(story()) == ("ear was not ready within 7 s: it is joined", 7.0)


def test_a_client_that_ends_while_it_is_waited_for_is_told_at_once() -> None:
    async def story() -> float:
        ear = Ear(ClientError("Node has ended"))
        with pytest.raises(ClientError, match="Node has ended"):
            await ear.listener.start(30.0)
        with pytest.raises(ClientError, match="Node has ended"):
            await ear.listener.close()
        assert ear.client.calls[-1] == ("close",)
        return InstantClock().now()

    assert run(story()) == 0.0


def test_a_client_that_ended_later_is_told_at_the_end() -> None:
    async def then(ear: Ear) -> None:
        with pytest.raises(KeyError):
            await ear.listener.close()

    ear = heard(READY, KeyError("table"), then=then)

    assert ear.client.calls[-1] == ("close",)
