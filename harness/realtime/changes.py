"""The feature `postgres_changes`: keeps the bindings of each channel subscribed at the worker (realtime-facts 3.4)."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Final

from harness.errors import VisibilityError
from harness.realtime.channel import Channel, start
from harness.realtime.feature import Feature, Refusal
from harness.realtime.services import Services
from harness.realtime.subscription import Binding, Refused, Wanted, understand

_EXTENSION: Final = "postgres_changes"


class Changes:
    """Subscribes channels, and again when they are given a new token or the worker has forgotten them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._keepers: dict[Channel, _Keeper] = {}

    def feature(self) -> Feature:
        """The hooks."""
        return Feature(name=_EXTENSION, admit=self._admit, follow=self._follow, refresh=self._refresh, over=self._over)

    def _admit(self, channel: Channel) -> Awaitable[Refusal] | Refusal:
        """Without the quirk `reply_before_subscription` the join waits for its subscription."""
        if not channel.join.bindings:
            return None
        keeper = self._keepers[channel] = _Keeper(channel, self._services)
        channel.forgotten = keeper.again
        if self._services.tenant.quirks.reply_before_subscription:
            return None
        return keeper.prepare()

    def _follow(self, channel: Channel) -> Awaitable[None] | None:
        """On a warm worker the outcome comes before what other features send, on a cold one later (11.24)."""
        keeper = self._keepers.get(channel)
        return keeper.begin() if keeper is not None else None

    def _refresh(self, channel: Channel) -> Refusal:
        keeper = self._keepers.get(channel)
        if keeper is not None:
            keeper.again()
        return None

    def _over(self, channel: Channel) -> None:
        keeper = self._keepers.pop(channel, None)
        if keeper is not None:
            keeper.stop()
            self._services.worker.unsubscribe(channel.subscriber)


class _Keeper:
    """Keeps one channel subscribed. A refusal is final until `again`; a database that fails is asked again."""

    def __init__(self, channel: Channel, services: Services) -> None:
        self._channel = channel
        self._services = services
        self._wanted = _understand(channel.join.bindings)
        self._unsaid: list[Refused | None] | None = []
        self._settled: bool | None = None
        self._due = 0.0
        self._asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Try to subscribe before the join is answered; the outcome is said by `begin`."""
        await self._attempt()

    def begin(self) -> Awaitable[None] | None:
        """The join was answered. Awaitable while the first outcome must come before what other features send."""
        unsaid, self._unsaid = self._unsaid or [], None
        for outcome in unsaid:
            self._say(outcome)
        if self._settled is None and (self._services.worker.warm or isinstance(self._wanted, Refused)):
            return self._begin_warm()
        self._task = start(self._keep())
        return None

    def again(self, at_once: bool = False) -> None:
        """Subscribe once more, at once or after a random 1 to 3 s; a further call begins that wait anew."""
        services = self._services
        wait = 0.0 if at_once else services.rng.uniform(*services.tenant.subscribe_retry_s)
        self._due = services.clock.now() + wait
        self._asked.set()

    def stop(self) -> None:
        """Stop keeping it."""
        if self._task is not None:
            self._task.cancel()

    async def _begin_warm(self) -> None:
        await self._attempt()
        self._task = start(self._keep())

    async def _keep(self) -> None:
        while True:
            if self._settled:
                await self._asked.wait()
                await self._until_due()
            elif self._settled is False:
                await self._services.clock.sleep(self._retry_s())
            self._asked.clear()
            await self._attempt()

    def _retry_s(self) -> float:
        return self._services.rng.uniform(*self._services.tenant.subscribe_error_retry_s)

    async def _until_due(self) -> None:
        while (left := self._due - self._services.clock.now()) > 0:
            await self._services.clock.sleep(left)

    async def _attempt(self) -> None:
        """Subscribe with the channel's present claims, and say at once what came of it."""
        try:
            outcome = self._wanted if isinstance(self._wanted, Refused) else await self._subscribe(self._wanted)
        except VisibilityError as error:
            self._settled = False
            self._say(Refused(message=str(error)))
            return
        self._settled = True
        self._say(outcome)

    async def _subscribe(self, wanted: Sequence[tuple[Binding, Wanted]]) -> Refused | None:
        channel = self._channel
        return await self._services.worker.subscribe(channel.socket, channel.subscriber, wanted, channel.claims)

    def _say(self, outcome: Refused | None) -> None:
        if self._unsaid is not None:
            self._unsaid.append(outcome)
        elif outcome is None:
            self._channel.system(_EXTENSION, "ok", "Subscribed to PostgreSQL")
        else:
            self._channel.system(_EXTENSION, "error", outcome.message)


def _understand(bindings: Sequence[Binding]) -> list[tuple[Binding, Wanted]] | Refused:
    """All bindings, or the refusal of the first that is not understood: one bad element spoils the channel."""
    wanted: list[tuple[Binding, Wanted]] = []
    for binding in bindings:
        understood = understand(binding.element)
        if isinstance(understood, Refused):
            return understood
        wanted.append((binding, understood))
    return wanted
