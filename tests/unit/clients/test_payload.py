from typing import Any

from harness.clients import payload
from harness.clients.client import ChangeReceived, SystemNotice


def test_a_change_keeps_what_the_wire_had() -> None:
    data = {
        "table": "t_seq",
        "type": "UPDATE",
        "record": {"n": 1100, "id": 1},
        "columns": [{"name": "id", "type": "int8"}],
        "errors": None,
        "schema": "public",
        "commit_timestamp": "2026-11-24T06:10:16.898Z",
        "old_record": {"id": 1},
    }

    change = payload.change("official", {"data": data, "ids": [87921726]}, size=400)

    assert change == ChangeReceived(
        topic="official",
        schema="public",
        table="t_seq",
        action="UPDATE",
        commit_timestamp="2026-11-24T06:10:16.898Z",
        record={"n": 1100, "id": 1},
        old_record={"id": 1},
        ids=(87921726,),
        bytes=400,
    )


def test_what_the_server_leaves_out_stays_out() -> None:
    deleted = {"table": "t", "type": "DELETE", "schema": "public", "commit_timestamp": "x", "old_record": {"id": 1}}
    refused: dict[str, Any] = {
        "table": "t",
        "type": "INSERT",
        "schema": "public",
        "commit_timestamp": None,
        "columns": [],
        "record": {},
        "errors": ["Error 401: Unauthorized"],
    }

    changes = [payload.change("topic", {"data": data, "ids": [1]}) for data in (deleted, refused)]

    assert [(change.record, change.old_record) for change in changes] == [({}, {"id": 1}), ({}, {})]
    assert [(change.commit_timestamp, change.errors) for change in changes] == [
        ("x", None),
        (None, ["Error 401: Unauthorized"]),
    ]


def test_ready_is_the_system_ok_of_postgres_changes() -> None:
    told = {"message": "Subscribed to PostgreSQL", "status": "ok", "extension": "postgres_changes", "channel": "chg"}

    notice = payload.notice("chg", told)

    assert notice == SystemNotice(
        topic="chg", extension="postgres_changes", status="ok", message="Subscribed to PostgreSQL"
    )
    assert notice.ready


def test_the_notice_before_a_disconnect_has_no_channel() -> None:
    told = {"extension": "system", "status": "ok", "message": "Server requested disconnect"}

    notice = payload.notice("chg", told)

    assert notice == SystemNotice(topic="chg", extension="system", status="ok", message="Server requested disconnect")
    assert not notice.ready
