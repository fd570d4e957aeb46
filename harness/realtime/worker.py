"""One tenant's loop: changes come from a source, row security is asked, frames go to the sockets.

Between replication and the sockets. Its times are those of the real server's poller (realtime-facts 3.4, 4.3;
recordings p11 and p11b), unless it is `instant`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from harness.clock import Clock
from harness.errors import ReplicationError, VisibilityError
from harness.history.recorder import Recorder
from harness.realtime.auth import Claims
from harness.realtime.cadence import MAX_FAILURES, backoff_s, pause_s
from harness.realtime.dispatch import dispatch
from harness.realtime.subscription import Binding, Refused, Subscriber, Subscription, Wanted
from harness.realtime.tenant import Tenant
from harness.realtime.visibility import Judgement, Question, Visibility
from harness.replication.change import Change, Trace, row_of
from harness.replication.source import Batch, ChangeSource

_ACTOR = "realtime"

RowKeys = Mapping[str, Any]
"""What the history says of a row, see `Trace`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A frame for a socket. `row` is what the history says of the row in it, None for rows it does not follow."""

    topic: str
    frame: bytes
    row: RowKeys | None


class Outlet(Protocol):
    """A socket as the worker sees it."""

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Write these frames, in order, without waiting for the reader."""
        ...

    def down(self, subscriber: Subscriber) -> None:
        """The worker gave up and forgot this subscriber, who should subscribe again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    outlet: Outlet
    subscriptions: tuple[Subscription, ...]


class Worker:
    """Reads changes while anybody wants them, from the first subscriber on.

    `open_source` makes a new, closed source; it is called again after every failure. With `instant` the source is
    one that waits for rows, and nothing is delayed.
    """

    def __init__(
        self,
        *,
        tenant: Tenant,
        visibility: Visibility,
        open_source: Callable[[], ChangeSource],
        clock: Clock,
        rng: Random,
        recorder: Recorder,
        trace: Trace | None = None,
        instant: bool = False,
    ) -> None:
        self._tenant = tenant
        self._visibility = visibility
        self._open_source = open_source
        self._clock = clock
        self._rng = rng
        self._recorder = recorder
        self._trace = trace
        self._instant = instant
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._standing: dict[Subscriber, _Standing] = {}
        self._by_relation: dict[int, tuple[Subscription, ...]] = {}

    @property
    def warm(self) -> bool:
        """Whether the slot is open: a subscription then takes effect within milliseconds."""
        return self._ready.is_set()

    async def subscribe(
        self, outlet: Outlet, subscriber: Subscriber, wanted: Sequence[tuple[Binding, Wanted]], claims: Claims
    ) -> Refused | None:
        """Make the subscriptions of a channel, in place of those it has; None when they are in effect.

        From the return on, without a turn of the event loop in between, everything that is committed is delivered
        to those who may see it; the caller announces that at once. Raises `VisibilityError`.
        """
        while True:
            await self._until_ready()
            made = await self._visibility.subscribe(subscriber, wanted, claims)
            if isinstance(made, Refused):
                return made
            if self.warm:
                self._standing[subscriber] = _Standing(outlet=outlet, subscriptions=made)
                self._index()
                return None

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forget a subscriber; nothing is delivered to it any more."""
        if self._standing.pop(subscriber, None) is not None:
            self._index()

    async def close(self) -> None:
        """Stop reading and give up the slot; raises whatever had ended the loop unexpectedly."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if not task.cancelled():
                task.result()

    async def _until_ready(self) -> None:
        """Cold, the real server's channel looks again only after a random 1 to 3 s, however soon the slot stands."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="realtime worker")
            self._task.add_done_callback(self._ended)
        if self._instant or not self._tenant.quirks.cold_worker_delay:
            await self._ready.wait()
        while not self.warm:
            await self._clock.sleep(self._rng.uniform(*self._tenant.subscribe_retry_s))

    async def _run(self) -> None:
        failures = 0
        while failures < MAX_FAILURES:
            if failures:
                await self._clock.sleep(backoff_s(failures, rng=self._rng))
            source = self._open_source()
            try:
                await source.open()
                self._ready.set()
                while True:
                    await self._step(source)
                    failures = 0
            except (ReplicationError, VisibilityError) as error:
                failures += 1
                self._recorder.record(_ACTOR, "poll", {"failures": failures}, type="info", error=str(error))
            finally:
                self._ready.clear()
                await source.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Six failures in a row, or a fault of ours: every channel subscribes again (realtime-facts 4.3)."""
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            message = {"message": "the realtime worker broke", "exception": error}
            asyncio.get_running_loop().call_exception_handler(message)
        standing, self._standing = self._standing, {}
        self._index()
        for subscriber, each in standing.items():
            each.outlet.down(subscriber)

    async def _step(self, source: ChangeSource) -> None:
        batch = await source.read()
        delivered = await self._handle(batch)
        if self._instant:
            return
        idle_poll_500ms = self._tenant.quirks.idle_poll_500ms
        pause = pause_s(delivered=delivered, raw=batch.raw, idle_poll_500ms=idle_poll_500ms, rng=self._rng)
        await self._clock.sleep(pause)

    async def _handle(self, batch: Batch) -> bool:
        """Send a batch to whom it may concern; whether anybody was concerned."""
        traced = [(change, self._row(change)) for change in batch.changes]
        for change, row in traced:
            self._record("decode", row, {"lsn": str(change.lsn)})
        asked = [(self._question(change), row) for change, row in traced]
        questions = [question for question, _ in asked if question.subscriptions]
        answers = iter(await self._visibility.judge(questions) if questions else ())
        outboxes: defaultdict[Outlet, list[Delivery]] = defaultdict(list)
        for question, row in asked:
            self._send(question.change, next(answers) if question.subscriptions else Judgement(), row, outboxes)
        for outlet, deliveries in outboxes.items():
            outlet.deliver(deliveries)
        return bool(outboxes)

    def _question(self, change: Change) -> Question:
        interested = self._by_relation.get(change.relation.oid, ())
        return Question(change=change, subscriptions=tuple(each for each in interested if each.hears(change.action)))

    def _send(
        self,
        change: Change,
        judgement: Judgement,
        row: RowKeys | None,
        outboxes: defaultdict[Outlet, list[Delivery]],
    ) -> None:
        seen = [each for output in judgement.outputs for each in output.subscriptions]
        self._record("authorise", row, {"to": _links(seen), "withheld": _links(judgement.withheld)})
        for output in judgement.outputs:
            for each in dispatch(change, output):
                standing = self._standing.get(each.subscriber)
                if standing is not None:
                    link, topic = each.subscriber.link, each.subscriber.topic
                    self._record("dispatch", row, {"link": link, "topic": topic, "ids": list(each.ids)})
                    outboxes[standing.outlet].append(Delivery(topic=topic, frame=each.frame, row=row))

    def _row(self, change: Change) -> RowKeys | None:
        table, action = change.relation.table, str(change.action)
        row = self._trace(table, action, row_of(change)) if self._trace is not None else None
        return None if row is None else {"table": table, "action": action, **row}

    def _record(self, hop: str, row: RowKeys | None, more: Mapping[str, Any]) -> None:
        if row is not None:
            self._recorder.record(_ACTOR, hop, {**row, **more})

    def _index(self) -> None:
        index: defaultdict[int, list[Subscription]] = defaultdict(list)
        for standing in self._standing.values():
            for subscription in standing.subscriptions:
                index[subscription.relation].append(subscription)
        self._by_relation = {relation: tuple(each) for relation, each in index.items()}


def _links(subscriptions: Sequence[Subscription]) -> list[str]:
    return sorted({each.subscriber.link for each in subscriptions})
