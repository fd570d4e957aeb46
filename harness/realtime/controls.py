"""What faults may do to our own server: the arm of `harness.faults.fault.Engine`.

Beside the line. Everything here stands for something that happens to a real server; the faults say what and where it
was seen. The interface itself is not imported, so that a server knows nothing of faults.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, Final

from harness.clock import Clock
from harness.errors import FaultUnsupported, StoryFault, VisibilityError
from harness.phoenix.serializer import V2
from harness.realtime.auth import Claims
from harness.realtime.channel import start
from harness.realtime.outlet import Delivery
from harness.realtime.plans import Limits
from harness.realtime.quirks import Quirks
from harness.realtime.server import RealtimeServer
from harness.realtime.subscription import Refused, Subscriber, binding, understand
from harness.realtime.tenant import Tenant
from harness.realtime.worker import Worker

FIXED: Final = frozenset(
    {
        "bytea_hex_without_prefix",
        "char_cut_to_one",
        "delete_ignores_rls",
        "message_stream_retries_slowly",
        "names_are_like_patterns",
        "non_finite_numbers_null",
        "oversize_drops_nulls",
        "poisonous_filters",
        "publication_filters_ignored",
        "raising_policy_loses_batch",
        "rates_seen_at_ticks",
        "rls_sees_current_row",
        "rows_outlive_channels",
        "schema_drift_loses_batch",
    }
)
"""Quirks that a server keeps as it was started with."""

_REFUSAL: Final = (
    'slot could not be made: library "wal2json" may not be used as an output plugin (output_plugin_libraries)'
)
_STRANGER: Final = Claims(role="authenticated", expires=1 << 53, text='{"role": "authenticated"}', token="")


class Controls:
    """Acts on a server that runs. Times are seconds of `clock`; `rng` is drawn from by what waits a random time."""

    def __init__(self, *, server: RealtimeServer, worker: Worker, clock: Clock, rng: Random) -> None:
        self._server = server
        self._worker = worker
        self._clock = clock
        self._rng = rng
        self._stranger: _Stranger | None = None

    async def crash_cdc(self, *, notify: bool) -> None:
        """See `Engine`."""
        await self._worker.crash(told=notify)

    async def restore_cdc(self) -> None:
        """See `Engine`. Whoever was subscribed before stays deaf until it joins again."""
        self._worker.restore()

    def hold_ready(self, seconds: float | None) -> None:
        """See `Engine`. What waits already waits as long as it was to."""
        self._worker.hold_s = seconds

    def refuse_plugin(self, refused: bool) -> None:
        """See `Engine`. A slot that stands is not touched."""
        self._worker.refusal = _REFUSAL if refused else None

    def set_limit(self, name: str, value: int | None) -> int | None:
        """See `Engine`. The limit on changes of a reader that runs is frozen (quirk `db_limit_frozen_at_start`)."""
        if name not in Limits.__dataclass_fields__:
            raise StoryFault(f"no limit {name!r}: there are {', '.join(Limits.__dataclass_fields__)}")
        now = self._tenant
        before: int | None = getattr(now.limits, name)
        self._server.live.change(replace(now, limits=_with(now.limits, name, value)))
        return before

    def set_quirk(self, name: str, on: bool) -> bool:
        """See `Engine`. Raises `FaultUnsupported` for one that is `FIXED`."""
        if name not in Quirks.__dataclass_fields__:
            raise StoryFault(f"no quirk {name!r}: see realtime/quirks.py")
        if name in FIXED:
            raise FaultUnsupported(f"to switch {name}", "a new start", "a running server")
        now = self._tenant
        before: bool = getattr(now.quirks, name)
        self._server.live.change(replace(now, quirks=_with(now.quirks, name, on)))
        return before

    async def close_sockets(self, code: int) -> None:
        """See `Engine`. The node that takes the place of this one has yet to open its slot."""
        self._server.close_sockets(code)
        await self._worker.reload()

    async def admit_stranger(self, element: Mapping[str, Any]) -> None:
        """See `Engine`."""
        if self._stranger is not None:
            raise StoryFault("there is a stranger already: dismiss it first")
        stranger = _Stranger(self._worker, element, self._clock, self._rng, self._tenant.subscribe_retry_s)
        await stranger.enter()
        self._stranger = stranger

    def dismiss_stranger(self) -> None:
        """See `Engine`."""
        stranger, self._stranger = self._stranger, None
        if stranger is not None:
            stranger.go()

    def census(self) -> Mapping[str, int]:
        """What the server keeps: open `sockets`, joined `channels`, and `users`, which are counted against a limit."""
        return {**self._server.census(), "users": self._worker.limits.users}

    @property
    def _tenant(self) -> Tenant:
        return self._server.live.now


def _with(settings: Any, name: str, value: Any) -> Any:
    """The settings with one of them changed, whichever it is."""
    changes: dict[str, Any] = {name: value}
    return replace(settings, **changes)


class _Stranger:
    """A client that wants the changes of one binding, reads none of them, and subscribes again like any other."""

    def __init__(
        self, worker: Worker, element: Mapping[str, Any], clock: Clock, rng: Random, retry_s: tuple[float, float]
    ) -> None:
        self._worker = worker
        self._element = element
        self._clock = clock
        self._rng = rng
        self._retry_s = retry_s
        self._subscriber = Subscriber(link="stranger", topic="realtime:stranger", vsn=V2)
        self._again: asyncio.Task[None] | None = None

    async def enter(self) -> None:
        refused = await self._subscribe()
        if refused is not None:
            raise StoryFault(refused.message)

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """See `Outlet`."""

    def down(self, subscriber: Subscriber, *, at_once: bool = False) -> None:
        """See `Outlet`."""
        self._stop()
        self._again = start(self._enter_again(0.0 if at_once else self._rng.uniform(*self._retry_s)))

    def go(self) -> None:
        self._stop()
        self._worker.unsubscribe(self._subscriber)

    async def _subscribe(self) -> Refused | None:
        wanted = understand(self._element)
        if isinstance(wanted, Refused):
            return wanted
        return await self._worker.subscribe(self, self._subscriber, [(binding(self._element), wanted)], _STRANGER)

    async def _enter_again(self, wait_s: float) -> None:
        """Until the database answers; a refusal is final, as for a channel."""
        while True:
            await self._clock.sleep(wait_s)
            try:
                await self._subscribe()
            except VisibilityError:
                wait_s = self._rng.uniform(*self._retry_s)
            else:
                return

    def _stop(self) -> None:
        if self._again is not None:
            self._again.cancel()
