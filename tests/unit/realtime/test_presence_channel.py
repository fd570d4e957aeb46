"""Presence in private rooms, switched on by the tenant, and frames made once: what the wire tests do not reach."""

import inspect
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any, cast

import pytest

from harness.history.recorder import Recorder
from harness.phoenix.server import Outgoing, Pushed
from harness.realtime.auth import Claims
from harness.realtime.authorisation import Extension, Failure, Permits, Visitor
from harness.realtime.channel import Channel
from harness.realtime.join import Join
from harness.realtime.limits import TenantLimits
from harness.realtime.plans import PLANS
from harness.realtime.presence_channel import PresenceChannels
from harness.realtime.services import Services
from harness.realtime.subscription import Subscriber
from harness.realtime.tenant import LiveTenant, Tenant
from harness.realtime.worker import Delivery, Worker

TOPIC = "realtime:room"


class Still:
    """A clock that stands."""

    def now(self) -> float:
        return 0.0

    def wall(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None: ...


@dataclass(kw_only=True, eq=False)
class Heard:
    """A socket that keeps what it is told: `push` and `reply` by name, frames as they are."""

    name: str = "reader"
    vsn: str = "2.0.0"
    headers: Mapping[str, str] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    said: list[tuple[Any, ...]] = field(default_factory=list)
    frames: list[Outgoing] = field(default_factory=list)

    def push(self, channel: int, event: str, payload: Any) -> None:
        self.said.append((event, payload))

    def reply(self, channel: int, ref: Any, status: str, response: Any) -> None:
        self.said.append((status, response))

    def relay(self, frame: Outgoing) -> None:
        self.frames.append(frame)

    def end(self, channel: int) -> None:
        self.said.append(("end",))

    def crash(self, channel: int) -> None:
        self.said.append(("crash",))

    def deliver(self, deliveries: Sequence[Delivery]) -> None: ...
    def down(self, subscriber: Subscriber, *, at_once: bool = False) -> None: ...


@dataclass(kw_only=True)
class Policies:
    reads: frozenset[Extension] = frozenset(Extension)
    writes: bool = True

    @property
    def standing(self) -> bool:
        return True

    async def reach(self) -> Failure | None:
        return None

    async def readable(self, visitor: Visitor, extensions: Collection[Extension]) -> frozenset[Extension] | Failure:
        return self.reads & frozenset(extensions)

    async def writable(self, visitor: Visitor, extension: Extension) -> bool | Failure:
        return self.writes


class Stage:
    """The feature with its permits, hooked by hand as a socket would."""

    def __init__(self, policies: Policies | None = None, **tenant: Any) -> None:
        self.tenant = Tenant(jwt_secret="s", **tenant)
        self.limits = TenantLimits(replace(PLANS["off"], max_presence_events_per_second=0))
        services = Services(
            live=LiveTenant(self.tenant),
            worker=cast(Worker, None),
            clock=Still(),
            rng=Random(1),
            recorder=Recorder(lambda: 0.0),
            limits=self.limits,
        )
        self.permits = Permits(policies)
        self.presence = PresenceChannels(services, self.permits)

    async def join(self, *, vsn: str = "2.0.0", **join: Any) -> tuple[Channel, Heard]:
        socket = Heard(vsn=vsn)
        claims = Claims(role="authenticated", expires=1, text="{}", token="t")
        channel = Channel(number=1, topic=TOPIC, join=Join(**join), claims=claims, socket=socket)
        for hook in (
            self.permits.feature().admit,
            self.presence.entrance().follow,
            self.presence.feature().follow,
        ):
            assert hook is not None
            done = hook(channel)
            if inspect.isawaitable(done):
                await done
        return channel, socket

    async def track(self, channel: Channel, payload: Any) -> None:
        pushed = Pushed(channel=1, ref="r", event="presence", payload={"event": "track", "payload": payload})
        done = self.presence.feature().events["presence"](channel, pushed)
        if inspect.isawaitable(done):
            await done


def read(frame: Outgoing) -> Any:
    """The message in a frame that was made for many: a short text frame of RFC 6455."""
    assert isinstance(frame, bytes)
    return json.loads(frame[4:] if frame[1] == 126 else frame[2:])


async def test_a_diff_is_made_once_for_all_sockets_of_a_vsn() -> None:
    stage = Stage()
    (a, first), (_, second), (_, old) = [await stage.join(presence=True, vsn=v) for v in ("2.0.0", "2.0.0", "1.0.0")]

    await stage.track(a, {"n": 1})

    assert first.frames[0] is second.frames[0]
    assert read(first.frames[0])[:4] == [None, None, TOPIC, "presence_diff"]
    assert read(old.frames[0])["payload"] == read(first.frames[0])[4]


async def test_private_and_public_rooms_of_a_topic_are_apart() -> None:
    stage = Stage(Policies())
    (a, mine), (_, other) = await stage.join(presence=True, private=True), await stage.join(presence=True)

    await stage.track(a, {})

    assert (len(mine.frames), len(other.frames)) == (1, 0)


async def test_who_may_not_write_is_answered_with_an_empty_error() -> None:
    stage = Stage(Policies(writes=False))
    channel, socket = await stage.join(private=True, presence=True)

    await stage.track(channel, {})
    await stage.track(channel, {})

    assert socket.said == [("presence_state", {}), ("error", {}), ("error", {})]
    assert socket.frames == []


async def test_who_may_not_read_presence_gets_neither_state_nor_diffs() -> None:
    policies = Policies(reads=frozenset({Extension.BROADCAST}))
    stage = Stage(policies)
    channel, socket = await stage.join(private=True, presence=True)

    await stage.track(channel, {})

    assert (socket.said, socket.frames) == ([("ok", {})], [])


async def test_a_private_channel_that_turns_presence_on_late_gets_diffs_from_its_own_process() -> None:
    stage = Stage(Policies())
    channel, socket = await stage.join(private=True)

    await stage.track(channel, {"n": 1})

    assert [event for event, _ in socket.said] == ["ok", "presence_diff"]
    assert socket.frames == []


async def test_a_private_channel_that_did_not_ask_hears_nothing() -> None:
    stage = Stage(Policies())
    (a, _), (_, quiet) = await stage.join(private=True, presence=True), await stage.join(private=True)

    await stage.track(a, {})

    assert (quiet.said, quiet.frames) == ([], [])


@pytest.mark.parametrize("private", [True, False])
async def test_a_tenant_may_switch_presence_on_for_everybody(private: bool) -> None:
    stage = Stage(Policies(), presence_enabled=True)

    _, socket = await stage.join(private=private)

    assert socket.said == [("presence_state", {})]


async def test_states_tracks_and_receivers_are_counted_as_presence_events() -> None:
    stage = Stage()
    (a, _), _ = await stage.join(presence=True), await stage.join(presence=True)

    await stage.track(a, {})

    bite = stage.limits.presence(5.0)
    assert bite is not None
    assert bite.measured == (2 + 1 + 2) / 2 / 5
