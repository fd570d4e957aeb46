"""A small recording in which everything that can differ is there once; built anew for each test."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from harness.fidelity.comparison import Run, as_played, differences
from harness.fidelity.difference import Difference
from harness.fidelity.recording import Entry, Recording

ROW = "11111111-2222-4333-8444-555555555555"
Edit = Callable[[list[Entry]], list[Entry]]


def story(name: str = "q01_story.v2") -> Recording:
    """Two readers and a writer: join, subscribe, two rows, a broadcast, a refusal, a close by the server."""
    entries = [
        Entry(t=0.0, c="A", dir="open", text="ws://realtime-dev.localhost:4001/socket/websocket?vsn=2.0.0"),
        Entry(t=2.0, c="A", dir="opened", headers={"server": "Cowboy", "date": "now"}),
        sent(2.5, "A", "1", "phx_join", {}),
        heard(4.0, "A", "1", "1", "phx_reply", {"status": "ok", "response": {"postgres_changes": [{"id": 77}]}}),
        heard(6.0, "A", "1", None, "system", {"message": "Subscribed", "status": "ok", "extension": "pg"}),
        Entry(t=1000.0, c="pg", dir="sql", text="insert into t values ($1)", args=("1",)),
        Entry(t=1002.0, c="pg", dir="sqlok", text="INSERT 0 1"),
        change(1300.0, 1),
        Entry(t=2000.0, c="pg", dir="sql", text="insert into t values ($1)", args=("2",)),
        Entry(t=2002.0, c="pg", dir="sqlok", text="INSERT 0 1"),
        change(2300.0, 2),
        sent(3000.0, "A", "2", "broadcast", {"event": "hi", "payload": {"x": 1}}),
        heard(3001.0, "A", None, None, "broadcast", {"event": "hi", "payload": {"x": 1}}),
        sent(4000.0, "A", "3", "nonsense", {}),
        heard(9000.0, "A", "1", "3", "phx_reply", {"status": "error", "response": {"reason": "no such thing"}}),
        Entry(t=12000.0, c="A", dir="close", code=1000, by="server"),
        Entry(t=12001.0, c="-", dir="end"),
    ]
    return Recording(name=name, vsn="2.0.0", wall=datetime(2026, 11, 24, 2, tzinfo=UTC), entries=tuple(entries))


def sent(t: float, client: str, ref: str, event: str, payload: Any) -> Entry:
    return Entry(t=t, c=client, dir="send", text=json.dumps(["1", ref, "realtime:x", event, payload]))


def heard(t: float, client: str, join_ref: str | None, ref: str | None, event: str, payload: Any) -> Entry:
    return Entry(t=t, c=client, dir="recv", text=json.dumps([join_ref, ref, "realtime:x", event, payload]))


def change(t: float, n: int, *, id: str = ROW, made: str = "2026-11-24T02:00:01.5+00:00") -> Entry:
    record = {"id": id[:-1] + str(n), "n": n, "made": made}
    data = {"table": "t", "type": "INSERT", "record": record, "errors": None, "commit_timestamp": f"{made[:23]}00Z"}
    return heard(t, "A", None, None, "postgres_changes", {"data": data, "ids": [77]})


def edited(edit: Edit) -> list[Difference]:
    """The differences between the story and a run of it that was edited."""
    script = story()
    played = replace(script, entries=tuple(edit(list(script.entries))))
    return differences(script, as_played(script), Run(recording=played, acted=as_played(script).acted))


def without(place: int) -> Edit:
    return lambda entries: entries[:place] + entries[place + 1 :]


def replaced(place: int, old: str, new: str) -> Edit:
    return lambda entries: [
        replace(entry, text=entry.text.replace(old, new)) if i == place else entry for i, entry in enumerate(entries)
    ]
