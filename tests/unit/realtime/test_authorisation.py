"""What a private channel may do: asked once, kept, asked again with a new token (realtime-facts 1.4 and 5.6)."""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.phoenix.server import Outgoing
from harness.realtime.auth import Claims
from harness.realtime.authorisation import Extension, Failure, Permits, Reason, Visitor
from harness.realtime.channel import Channel
from harness.realtime.join import Join
from harness.realtime.subscription import Subscriber
from harness.realtime.worker import Delivery

BROADCAST, PRESENCE = Extension.BROADCAST, Extension.PRESENCE
DENIED = "You do not have permissions to read from this Channel topic: room"


@dataclass(kw_only=True)
class Policies:
    """Answers as it is told to, and counts how often it was asked."""

    reads: frozenset[Extension] | Failure = frozenset()
    writes: bool | Failure = False
    asked: list[tuple[str, Visitor, tuple[Extension, ...]]] = field(default_factory=list)
    standing: bool = True
    reached: Failure | None = None

    async def reach(self) -> Failure | None:
        return self.reached

    async def readable(self, visitor: Visitor, extensions: Collection[Extension]) -> frozenset[Extension] | Failure:
        self.asked.append(("read", visitor, tuple(extensions)))
        return self.reads if isinstance(self.reads, Failure) else self.reads & frozenset(extensions)

    async def writable(self, visitor: Visitor, extension: Extension) -> bool | Failure:
        self.asked.append(("write", visitor, (extension,)))
        return self.writes


@dataclass(kw_only=True, eq=False)
class Silent:
    """A socket that says nothing."""

    name: str = "reader"
    vsn: str = "2.0.0"
    headers: Mapping[str, str] = field(default_factory=lambda: {"x-app": "1"})
    channels: dict[int, Channel] = field(default_factory=dict)

    def push(self, channel: int, event: str, payload: Any) -> None: ...
    def reply(self, channel: int, ref: Any, status: str, response: Any) -> None: ...
    def relay(self, frame: Outgoing) -> None: ...
    def end(self, channel: int) -> None: ...
    def crash(self, channel: int) -> None: ...
    def deliver(self, deliveries: Sequence[Delivery]) -> None: ...
    def down(self, subscriber: Subscriber, *, at_once: bool = False) -> None: ...


def a_channel(*, private: bool = True, presence: bool = False) -> Channel:
    claims = Claims(role="authenticated", expires=1, text='{"sub":"alice"}', token="t")
    join = Join(private=private, presence=presence)
    return Channel(number=1, topic="realtime:room", join=join, claims=claims, socket=Silent())


async def answer(asked: Awaitable[str | None] | str | None) -> str | None:
    return asked if asked is None or isinstance(asked, str) else await asked


async def admit(permits: Permits, channel: Channel) -> str | None:
    hook = permits.feature().admit
    assert hook is not None
    return await answer(hook(channel))


async def refresh(permits: Permits, channel: Channel) -> str | None:
    hook = permits.feature().refresh
    assert hook is not None
    return await answer(hook(channel))


async def test_a_public_channel_may_do_everything_and_nobody_is_asked() -> None:
    policies = Policies()
    permits, channel = Permits(policies), a_channel(private=False)

    assert await admit(permits, channel) is None
    assert await refresh(permits, channel) is None
    assert permits.reads(channel, BROADCAST) is True
    assert permits.writes(channel, BROADCAST) is True
    assert policies.asked == []


async def test_reading_is_asked_about_the_user_and_his_topic() -> None:
    policies = Policies(reads=frozenset([BROADCAST]))

    assert await admit(Permits(policies), a_channel()) is None

    visitor = Visitor(topic="room", role="authenticated", claims='{"sub":"alice"}', headers={"x-app": "1"})
    assert policies.asked == [("read", visitor, (BROADCAST,))]


async def test_presence_is_asked_about_only_if_it_is_wanted() -> None:
    policies = Policies(reads=frozenset([BROADCAST]))
    permits, channel = Permits(policies), a_channel(presence=True)

    assert await admit(permits, channel) is None

    assert policies.asked[0][2] == (BROADCAST, PRESENCE)
    assert permits.reads(channel, BROADCAST) is True
    assert permits.reads(channel, PRESENCE) is False


async def test_who_may_read_nothing_is_refused() -> None:
    assert await admit(Permits(Policies()), a_channel(presence=True)) == f"Unauthorized: {DENIED}"


async def test_who_may_read_presence_alone_is_let_in() -> None:
    permits, channel = Permits(Policies(reads=frozenset([PRESENCE]))), a_channel(presence=True)

    assert await admit(permits, channel) is None
    assert permits.reads(channel, BROADCAST) is False


@pytest.mark.parametrize(
    ("reason", "at_join", "at_refresh"),
    [
        (Reason.POLICY, f"Unauthorized: {DENIED}", DENIED),
        (Reason.CANCELED, "QueryCanceled: words", "Query was cancelled, please try again"),
        (
            Reason.NO_PARTITION,
            "MissingPartition: Realtime was unable to find the expected messages partition",
            "Realtime was unable to connect to the project database",
        ),
        (
            Reason.NO_DATABASE,
            "UnableToConnectToProject: Realtime was unable to connect to the project database",
            "Realtime was unable to connect to the project database",
        ),
    ],
)
async def test_a_failure_has_its_words(reason: Reason, at_join: str, at_refresh: str) -> None:
    policies = Policies(reads=frozenset([BROADCAST]))
    permits, joined, new = Permits(policies), a_channel(), a_channel()
    await admit(permits, joined)

    policies.reads = Failure(reason=reason, words="words")

    assert await admit(permits, new) == at_join
    assert await refresh(permits, joined) == at_refresh


async def test_without_a_database_private_channels_are_refused() -> None:
    permits, channel = Permits(None), a_channel()

    assert await admit(permits, channel) == (
        "UnableToConnectToProject: Realtime was unable to connect to the project database"
    )
    assert await permits.write_first(channel, BROADCAST) is False


async def test_writing_is_asked_once_for_each_token() -> None:
    policies = Policies(reads=frozenset([BROADCAST]), writes=True)
    permits, channel = Permits(policies), a_channel()
    await admit(permits, channel)

    assert permits.writes(channel, BROADCAST) is None
    assert await permits.write_first(channel, BROADCAST) is True
    assert permits.writes(channel, BROADCAST) is True
    assert permits.writes(channel, PRESENCE) is None
    await refresh(permits, channel)
    assert permits.writes(channel, BROADCAST) is None


async def test_a_failure_to_ask_is_no_permission_and_is_not_kept() -> None:
    policies = Policies(reads=frozenset([BROADCAST]), writes=Failure(reason=Reason.NO_DATABASE, words=""))
    permits, channel = Permits(policies), a_channel()
    await admit(permits, channel)

    assert await permits.write_first(channel, BROADCAST) is False
    assert permits.writes(channel, BROADCAST) is None


async def test_presence_may_be_asked_about_later() -> None:
    policies = Policies(reads=frozenset([BROADCAST, PRESENCE]))
    permits, channel = Permits(policies), a_channel()
    await admit(permits, channel)

    assert permits.reads(channel, PRESENCE) is None
    assert await permits.read_late(channel, PRESENCE) is True
    assert await permits.read_late(channel, PRESENCE) is True
    assert [asked[2] for asked in policies.asked] == [(BROADCAST,), (PRESENCE,)]


async def test_a_new_token_that_may_read_nothing_ends_the_channel() -> None:
    policies = Policies(reads=frozenset([BROADCAST]))
    permits, channel = Permits(policies), a_channel()
    await admit(permits, channel)

    policies.reads = frozenset()

    assert await refresh(permits, channel) == DENIED


async def test_a_new_token_that_loses_one_permission_ends_the_channel() -> None:
    policies = Policies(reads=frozenset([BROADCAST, PRESENCE]))
    permits, channel = Permits(policies), a_channel(presence=True)
    await admit(permits, channel)

    policies.reads = frozenset([PRESENCE])

    assert await refresh(permits, channel) == "You no longer have permission to read from this Channel topic: room"


async def test_a_channel_that_is_over_is_forgotten() -> None:
    permits, channel = Permits(Policies(reads=frozenset([BROADCAST]))), a_channel()
    await admit(permits, channel)

    over = permits.feature().over
    assert over is not None
    over(channel)

    assert permits.reads(channel, BROADCAST) is None


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason.POLICY, "RLS policy error"),
        (Reason.CANCELED, "Query canceled"),
        (Reason.NO_PARTITION, "Missing messages partition"),
        (Reason.NO_DATABASE, "Tenant database unavailable"),
    ],
)
def test_over_http_a_failure_has_other_words(reason: Reason, words: str) -> None:
    assert Failure(reason=reason, words="").over_http() == words


async def test_a_public_channel_is_refused_while_the_database_cannot_be_reached() -> None:
    gone = Failure(reason=Reason.NO_DATABASE, words="refused")
    admit = Permits(Policies(standing=False, reached=gone)).feature().admit
    assert admit is not None

    refusal = admit(a_channel(private=False))

    assert isinstance(refusal, Awaitable)
    assert await refusal == "UnableToConnectToProject: Realtime was unable to connect to the project database"


async def test_a_public_channel_is_let_in_once_the_database_is_reached_again() -> None:
    admit = Permits(Policies(standing=False)).feature().admit
    assert admit is not None

    refusal = admit(a_channel(private=False))

    assert isinstance(refusal, Awaitable)
    assert await refusal is None
