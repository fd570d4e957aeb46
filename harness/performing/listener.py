"""A client of the story that just listens: one channel, one handler for each of its bindings, no recovery.

At the end of the line for what the application does not subscribe to itself; records `listen` and `receive`.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from harness.clients.client import Binding, ChangeReceived, Client, ClientEvent, Closed, Joined, Refused, SystemNotice
from harness.clock import Clock
from harness.history import Recorder
from harness.history.hops import RECEIVE
from harness.pipeline.app import Trace
from harness.pipeline.reader_task import ReaderTask


class Listener:
    """`name` listens on `topic` as `user`. A handler is told by the place of its binding.

    Which handlers a change reaches is decided as both official clients do, by the ids of the join's reply: `Client`
    says it (`ChangeReceived.handlers`).
    """

    def __init__(
        self,
        name: str,
        client: Client,
        *,
        topic: str,
        bindings: Sequence[Mapping[str, str]],
        user: str,
        user_id: UUID,
        role: str,
        recorder: Recorder,
        clock: Clock,
        trace: Trace,
    ) -> None:
        self.name = name
        self._client = client
        self._topic = topic
        self._bindings = [Binding(**binding) for binding in bindings]
        self._who = {"user": user, "user_id": str(user_id), "role": role}
        self._recorder = recorder
        self._trace = trace
        self._status = "connecting"
        self._settled = False
        self._task = ReaderTask(name, clock=clock, status=lambda: self._status)

    async def start(self, timeout: float) -> None:
        """Connect and ask; returns when the channel is ready or was refused.

        Raises `TimeoutError` if neither happens, and what has ended the client.
        """
        told = {"topic": self._topic, "bindings": [binding.as_json() for binding in self._bindings]}
        self._tell("listen", {**told, **self._who})
        await self._client.connect()
        await self._client.subscribe(self._topic, self._bindings)
        self._task.begin(self._run())
        await self._task.wait(lambda: self._settled, timeout, "ready")

    async def close(self) -> None:
        """End it; raises what had ended it from inside. Safe to call twice."""
        await self._task.end(self._client.close)

    async def _run(self) -> None:
        while True:
            self._take(await self._client.next_event())
            self._task.announce()

    def _take(self, event: ClientEvent) -> None:
        match event:
            case ChangeReceived():
                self._receive(event)
            case Joined():
                self._status = "joined"
                self._tell("join", {"topic": event.topic})
            case Refused():
                self._settle("refused")
                self._tell("join", {"topic": event.topic}, error=event.reason)
            case SystemNotice(ready=True):
                self._settle("ready")
                self._tell("ready", {"topic": event.topic})
            case SystemNotice():
                self._settle(event.status)
                told = {"topic": event.topic, "extension": event.extension, "status": event.status}
                wrong = event.message if event.status != "ok" else None
                self._tell("system", {**told, "message": event.message}, error=wrong)
            case Closed():
                self._tell("close", {"code": event.code, "reason": event.reason, "by": event.by})
            case _:
                pass  # sockets that open and channels that end tell nothing about changes

    def _settle(self, status: str) -> None:
        self._status = status
        self._settled = True

    def _receive(self, change: ChangeReceived) -> None:
        row = change.record or change.old_record
        keys = self._trace(change.table, change.action, row) or {"table": change.table, "action": change.action}
        told = {"topic": change.topic, "bytes": change.bytes, "handlers": list(change.handlers)}
        values = {"record": dict(change.record), "old_record": dict(change.old_record)}
        errors = {"errors": list(change.errors)} if change.errors else {}
        self._tell(RECEIVE, {**keys, **told, **values, **errors})

    def _tell(self, f: str, value: Mapping[str, Any], *, error: str | None = None) -> None:
        self._recorder.record(self.name, f, value, type="fail" if error else "ok", error=error)
