"""One tenant's loop: changes come from a source, row security is asked, frames go to the sockets.

Between replication and the sockets. Its times are those of the real server's poller (realtime-facts 3.4, 4.3;
recordings p11 and p11b), unless it is `instant`.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from harness.clock import Clock
from harness.errors import ReplicationError, ReplicationLost, SlotBusy, VisibilityError
from harness.history.recorder import Recorder
from harness.realtime.auth import Claims
from harness.realtime.cadence import BUSY_FAILURES, MAX_FAILURES, backoff_s, lead_s, pause_s, poll_s
from harness.realtime.delivering import ACTOR, Delivering
from harness.realtime.housekeeping import Housekeeping
from harness.realtime.limits import TenantLimits
from harness.realtime.outlet import Delivery as Delivery
from harness.realtime.outlet import Outlet as Outlet
from harness.realtime.registry import Registry
from harness.realtime.subscription import Binding, Refused, Subscriber, Wanted
from harness.realtime.tenant import Tenant
from harness.realtime.visibility import Visibility
from harness.replication.change import Trace
from harness.replication.source import Batch, ChangeSource


class Worker:
    """Reads changes while anybody wants them, from the first subscriber on.

    `open_source` makes a new, closed source of `tenant.feed`; it is called again after every failure. With `instant`
    the source is one that waits for rows, and nothing is delayed.

    What can go wrong with it is set from outside: `hold_s`, how long a subscription takes before it is made, and
    `refusal`, with which words the database refuses to make a slot.
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
        limits: TenantLimits | None = None,
    ) -> None:
        self._tenant = tenant
        self._visibility = visibility
        self._open_source = open_source
        self._clock = clock
        self._rng = rng
        self._recorder = recorder
        self._instant = instant
        self.limits: Final = limits or TenantLimits(tenant.limits, quirks=tenant.quirks)
        self._registry: Registry[Outlet] = Registry()
        self._deaf: dict[Subscriber, Outlet] = {}
        self._delivering = Delivering(
            visibility=visibility,
            registry=self._registry,
            clock=clock,
            recorder=recorder,
            trace=trace,
            linger=tenant.quirks.rows_outlive_channels,
        )
        self._housekeeping = Housekeeping(
            tenant=tenant,
            visibility=visibility,
            registry=self._registry,
            clock=clock,
            recorder=recorder,
            changed=self._resubscribe,
        )
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._server_began = ""
        self._node_ended: Callable[[], None] = lambda: None
        self._crashed = False
        self.hold_s: float | None = None
        self.refusal: str | None = None

    def on_node_end(self, ended: Callable[[], None]) -> None:
        """Call `ended` when the node would end with its database (quirk `node_ends_with_database`)."""
        self._node_ended = ended

    def follow(self, tenant: Tenant) -> None:
        """The tenant was changed: its quirks hold from now on, as far as they are not fixed (`controls.FIXED`)."""
        self._tenant = replace(self._tenant, quirks=tenant.quirks)
        self.limits.quirks = tenant.quirks

    @property
    def warm(self) -> bool:
        """Whether a subscription takes effect within milliseconds."""
        return self._ready.is_set() and self.hold_s is None

    @property
    def running(self) -> bool:
        """Whether it reads changes, or tries to: from the first subscriber on."""
        return self._task is not None and not self._task.done()

    async def subscribe(
        self, outlet: Outlet, subscriber: Subscriber, wanted: Sequence[tuple[Binding, Wanted]], claims: Claims
    ) -> Refused | None:
        """Make the subscriptions of a channel, in place of those it has; None when they are in effect.

        From the return on, without a turn of the event loop in between, everything that is committed is delivered
        to those who may see it, if the slot stands; the caller announces that at once. Raises `VisibilityError`.
        """
        if self.hold_s is not None:
            await self._clock.sleep(self.hold_s)
        while True:
            await self._until_ready()
            made = await self._visibility.subscribe(subscriber, wanted, claims)
            if isinstance(made, Refused):
                self._registry.leave(subscriber)
                if not self._tenant.quirks.dropped_tables_stay_dead:
                    self._deaf[subscriber] = outlet
                return made
            if self._ready.is_set():
                self._deaf.pop(subscriber, None)
                self._registry.add(outlet, subscriber, made)
                return None

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forget a subscriber; nothing is delivered to it any more, though its rows live on for a while."""
        self._deaf.pop(subscriber, None)
        self._registry.leave(subscriber)

    async def reload(self) -> None:
        """Give up the slot; every channel is told to subscribe again, and the first one to do so opens it anew."""
        await self._stop()
        self._put_down()

    async def crash(self, *, told: bool) -> None:
        """End as a process that crashed; whoever is told subscribes again.

        Untold, whoever stands stays joined and hears nothing any more, and nobody is subscribed before `restore`
        (delivery-bugs 10 and 12).
        """
        await self._stop()
        if told:
            self._put_down()
        else:
            self._crashed = True
            self._registry.clear()
            self._deaf.clear()

    def restore(self) -> None:
        """Read again after a crash that nobody was told of, for whoever subscribes from now on or waits for it."""
        if self._crashed:
            self._crashed = False
            self._start()

    async def close(self) -> None:
        """Stop reading and give up the slot; raises whatever had ended the loop unexpectedly."""
        task = await self._stop()
        if task is not None and not task.cancelled():
            task.result()

    async def _stop(self) -> asyncio.Task[None] | None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return task

    async def _until_ready(self) -> None:
        """Cold, the real server's channel looks again only after a random 1 to 3 s, however soon the slot stands."""
        self._start()
        if self._instant or not self._tenant.quirks.cold_worker_delay:
            await self._ready_at_last()
        while not self._ready.is_set():
            await self._clock.sleep(self._rng.uniform(*self._tenant.subscribe_retry_s))
            self._start()

    async def _ready_at_last(self) -> None:
        """Whoever comes while a worker is ending (idle, or after too many failures) waits for the next one."""
        while not self._ready.is_set():
            ready = asyncio.ensure_future(self._ready.wait())
            ending = {self._task} if self._task is not None and self.running else set()
            try:
                await asyncio.wait({ready, *ending}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ready.cancel()
            self._start()

    def _start(self) -> None:
        if not self.running and not self._crashed:
            self._task = asyncio.create_task(self._run(), name="realtime worker")
            self._task.add_done_callback(self._ended)

    async def _run(self) -> None:
        """Read and keep house, until the one has failed too often or the other finds that nobody is left."""
        self._delivering.limit = self.limits.database(self._clock.now())
        work = (asyncio.create_task(self._read()), asyncio.create_task(self._housekeeping.run()))
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._ready.clear()
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    async def _read(self) -> None:
        """Open a source and read it, again after every failure; return after six in a row (realtime-facts 4.3)."""
        trouble = _Trouble()
        begun = False
        while trouble.failures < MAX_FAILURES:
            try:
                begun = begun or await self._begin()
                await self._read_source(trouble)
            except (ReplicationError, VisibilityError) as error:
                if await self._ends_with_database(error):
                    self._recorder.record(ACTOR, "poll", {"failures": 1}, type="info", error=str(error))
                    self._node_ended()
                    return
                await self._recover(trouble, error)

    async def _ends_with_database(self, error: ReplicationError | VisibilityError) -> bool:
        """Whether the database went down, and not only our connection (realtime-facts 11.10)."""
        if not self._tenant.quirks.node_ends_with_database or not isinstance(error, ReplicationLost):
            return False
        try:
            return await self._visibility.server_began() != self._server_began
        except VisibilityError:
            return True

    async def _begin(self) -> bool:
        """No row is left of an earlier worker; the tables are known. While there are none there is no slot."""
        self._server_began = await self._visibility.server_began()
        await self._visibility.clear()
        self._housekeeping.published = await self._visibility.published()
        while self._tenant.quirks.no_slot_for_empty_publication and not self._housekeeping.published:
            self._ready.set()
            await self._clock.sleep(self._tenant.publication_check_s)
            self._housekeeping.published = await self._visibility.published()
        if self._ready_without_slot:
            self._ready.set()
        return True

    @property
    def _ready_without_slot(self) -> bool:
        return self._tenant.quirks.subscribed_without_slot and not self._instant

    async def _read_source(self, trouble: "_Trouble") -> None:
        source = self._open_source()
        try:
            if self.refusal is not None:
                raise ReplicationError(self.refusal)
            await source.open()
            self._ready.set()
            while True:
                await self._step(source)
                trouble.over()
        finally:
            if not self._ready_without_slot:
                self._ready.clear()
            await source.close()

    async def _step(self, source: ChangeSource) -> None:
        try:
            batch, delivered = await self._poll(source)
        except TimeoutError as error:
            raise ReplicationLost(f"a poll took more than {self._tenant.poll_timeout_s} s") from error
        if self._instant:
            return
        await self._clock.sleep(self._pause_s(batch, delivered=delivered))

    def _pause_s(self, batch: Batch, *, delivered: bool) -> float:
        tenant = self._tenant
        idle = tenant.idle_poll_interval_s if tenant.quirks.idle_poll_500ms else tenant.poll_interval_s
        interval = tenant.poll_interval_s
        return pause_s(delivered=delivered, raw=batch.raw, interval_s=interval, idle_interval_s=idle, rng=self._rng)

    async def _poll(self, source: ChangeSource) -> tuple[Batch, bool]:
        """Read and deliver. What takes too long is lost, a huge transaction too; waiting for rows does not count."""
        slow = self._tenant.quirks.polls_take_time and not self._instant
        async with asyncio.timeout(None if self._instant else self._tenant.poll_timeout_s) as limit:
            if slow:
                await self._clock.sleep(lead_s(rng=self._rng))
            begun = self._clock.now()
            batch = await source.read()
            if self._instant:
                limit.reschedule(asyncio.get_running_loop().time() + self._tenant.poll_timeout_s)
            not_before = begun + poll_s(len(batch.changes), rng=self._rng) if slow else 0.0
            return batch, await self._delivering.deliver(batch, not_before=not_before)

    async def _recover(self, trouble: "_Trouble", error: ReplicationError | VisibilityError) -> None:
        """Wait until it may be tried again: after an error of SQL for a moment, for a connection longer."""
        trouble.failures += 1
        self._recorder.record(ACTOR, "poll", {"failures": trouble.failures}, type="info", error=str(error))
        if trouble.failures == MAX_FAILURES:
            return
        if isinstance(error, SlotBusy) and trouble.failures >= BUSY_FAILURES:
            await self._release(error.slot)
        trouble.waited = backoff_s(trouble.waited, rng=self._rng)
        slow = isinstance(error, ReplicationLost) and self._tenant.quirks.slow_reconnect and not self._instant
        await self._clock.sleep(self._rng.uniform(*self._tenant.reconnect_s) if slow else trouble.waited)

    async def _release(self, slot: str) -> None:
        try:
            await self._visibility.release(slot)
        except VisibilityError as error:
            self._recorder.record(ACTOR, "poll", {"slot": slot}, type="info", error=str(error))

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Idle, six failures in a row, or a fault of ours: whoever stands subscribes again (realtime-facts 4.3)."""
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            message = {"message": "the realtime worker broke", "exception": error}
            asyncio.get_running_loop().call_exception_handler(message)
        self._put_down()

    def _put_down(self) -> None:
        for subscriber, outlet in self._registry.clear().items():
            outlet.down(subscriber)

    def _resubscribe(self) -> None:
        """The publication has other tables: every row is gone, every channel subscribes anew, at once (p13)."""
        deaf, self._deaf = self._deaf, {}
        for subscriber, outlet in {**self._registry.clear(), **deaf}.items():
            outlet.down(subscriber, at_once=True)


class _Trouble:
    """How often in a row a source has failed, and how long was waited the last time."""

    def __init__(self) -> None:
        self.failures = 0
        self.waited: float | None = None

    def over(self) -> None:
        """It works again."""
        self.failures, self.waited = 0, None
