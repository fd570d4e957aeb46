"""What a tab asks for over each transport, and what it reads in what comes."""

from typing import Any

import pytest

from harness.clients.client import ChangeReceived, SystemNotice
from harness.phoenix.connection import Delivered
from load.plan import TRANSPORTS
from load.reading.transport import BY_NAME, Asked, Broadcasts, PostgresChanges

PROCESS = "6f1b1c1e-5d57-4d1f-9a55-0f6f3a1c2b10"
TOPIC = f"process:{PROCESS}"


def notice(extension: str, status: str, message: str = "") -> SystemNotice:
    return SystemNotice(topic="t", extension=extension, status=status, message=message)


def broadcast(payload: Any) -> Delivered:
    told = {"type": "broadcast", "event": "INSERT", "payload": payload}
    return Delivered(topic=TOPIC, event="broadcast", payload=told, bytes=321)


def test_every_transport_of_a_plan_is_there() -> None:
    assert tuple(BY_NAME) == TRANSPORTS


def test_postgres_changes_asks_for_inserts_of_events_and_updates_of_the_state_on_two_channels() -> None:
    asked = PostgresChanges().channels(PROCESS)

    assert asked == {
        f"process_events:process_id=eq.{PROCESS}": Asked(
            bindings=(
                {
                    "event": "INSERT",
                    "schema": "public",
                    "table": "process_events",
                    "filter": f"process_id=eq.{PROCESS}",
                },
            )
        ),
        f"process_state:{PROCESS}": Asked(
            bindings=(
                {
                    "event": "UPDATE",
                    "schema": "public",
                    "table": "generated_articles_state",
                    "filter": f"id=eq.{PROCESS}",
                },
            )
        ),
    }


def test_broadcasts_are_asked_for_on_one_private_topic() -> None:
    assert Broadcasts().channels(PROCESS) == {TOPIC: Asked(broadcasts=True)}


@pytest.mark.parametrize(
    ("told", "changes", "broadcasts"),
    [
        (notice("postgres_changes", "ok", "Subscribed to PostgreSQL"), True, False),
        (notice("system", "ok", "Replication connection established"), False, True),
        (notice("system", "ok", "Server requested disconnect"), False, False),
        (notice("system", "error", "Replication connection established"), False, False),
        (notice("postgres_changes", "error", "Unable to subscribe"), False, False),
    ],
)
def test_each_is_ready_by_a_word_of_its_own(told: SystemNotice, changes: bool, broadcasts: bool) -> None:
    assert (PostgresChanges().ready(told), Broadcasts().ready(told)) == (changes, broadcasts)


def test_only_a_channel_of_postgres_changes_can_stand_and_be_deaf() -> None:
    trouble = notice("postgres_changes", "error", "Unable to subscribe")

    assert (PostgresChanges().deaf(trouble), Broadcasts().deaf(trouble)) == (True, False)


def test_a_broadcast_of_a_row_is_a_change_without_a_commit_timestamp() -> None:
    payload = {
        "id": "0d6b",
        "operation": "UPDATE",
        "schema": "public",
        "table": "generated_articles_state",
        "record": {"id": PROCESS, "status": "running"},
        "old_record": {"id": PROCESS, "status": "new"},
    }

    assert Broadcasts().change(broadcast(payload)) == ChangeReceived(
        topic=TOPIC,
        schema="public",
        table="generated_articles_state",
        action="UPDATE",
        commit_timestamp=None,
        record={"id": PROCESS, "status": "running"},
        old_record={"id": PROCESS, "status": "new"},
        bytes=321,
    )


@pytest.mark.parametrize("payload", [None, 7, [], {}, {"record": [1], "old_record": None}])
def test_a_broadcast_of_something_else_is_a_change_of_no_table(payload: Any) -> None:
    change = Broadcasts().change(broadcast(payload))

    assert (change.table, change.action, change.record, change.old_record) == ("", "", {}, {})
