"""Who may read and write on a private channel: row security on `realtime.messages` (realtime-facts 5.6; p05c).

Reading is decided at the join and again with every new token, writing at the first push that needs it; the answers
are kept. `authorisation_postgres` asks the database.
"""

from collections.abc import Awaitable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final, Protocol

from harness.realtime.channel import Channel
from harness.realtime.feature import Feature, Refusal
from harness.realtime.join import short_topic


class Extension(StrEnum):
    """What a policy may tell apart by the column `extension`."""

    BROADCAST = "broadcast"
    PRESENCE = "presence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """About whom policies are asked, and on which topic (without `realtime:`). `claims` is JSON text."""

    topic: str
    role: str
    claims: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Reason(Enum):
    """Why there is no answer."""

    POLICY = "policy"
    CANCELED = "canceled"
    NO_PARTITION = "no partition"
    NO_DATABASE = "no database"


_AT_JOIN: Final[Mapping[Reason, str]] = {
    Reason.NO_PARTITION: "MissingPartition: Realtime was unable to find the expected messages partition",
    Reason.NO_DATABASE: "UnableToConnectToProject: Realtime was unable to connect to the project database",
}
_AT_REFRESH: Final[Mapping[Reason, str]] = {
    Reason.CANCELED: "Query was cancelled, please try again",
    Reason.NO_PARTITION: "Realtime was unable to connect to the project database",
    Reason.NO_DATABASE: "Realtime was unable to connect to the project database",
}
_OVER_HTTP: Final[Mapping[Reason, str]] = {
    Reason.POLICY: "RLS policy error",
    Reason.CANCELED: "Query canceled",
    Reason.NO_PARTITION: "Missing messages partition",
    Reason.NO_DATABASE: "Tenant database unavailable",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The policies could not be asked, or one of them raised; `words` are PostgreSQL's."""

    reason: Reason
    words: str

    def at_join(self, topic: str) -> str:
        """The reason in the error reply to a join; a policy that raises reads as one that denies."""
        if self.reason is Reason.POLICY:
            return f"Unauthorized: {_no_permission(topic)}"
        return _AT_JOIN.get(self.reason, f"QueryCanceled: {self.words}")

    def at_refresh(self, topic: str) -> str:
        """The message of the `system` error after which the channel is closed."""
        return _AT_REFRESH.get(self.reason, _no_permission(topic))

    def over_http(self) -> str:
        """The message of the HTTP answer (422)."""
        return _OVER_HTTP[self.reason]


class Authorisation(Protocol):
    """Asks the policies. What it answers holds for this moment; nothing is kept."""

    @property
    def standing(self) -> bool:
        """Whether the database is connected, as far as was heard."""
        ...

    async def reach(self) -> Failure | None:
        """Connect to the database, if it can be had."""
        ...

    async def readable(self, visitor: Visitor, extensions: Collection[Extension]) -> frozenset[Extension] | Failure:
        """Those of `extensions` that the visitor may read."""
        ...

    async def writable(self, visitor: Visitor, extension: Extension) -> bool | Failure:
        """Whether the visitor may write."""
        ...


@dataclass(slots=True, kw_only=True)
class _Permit:
    """What is known about one private channel; what was not asked is absent."""

    read: dict[Extension, bool] = field(default_factory=dict)
    write: dict[Extension, bool] = field(default_factory=dict)


class Permits:
    """The permits of all private channels; a public channel may do everything, and nobody is asked about it.

    Without an `authorisation` there is no database to ask, and private channels are refused in those words.
    """

    def __init__(self, authorisation: Authorisation | None) -> None:
        self._authorisation = authorisation
        self._permits: dict[Channel, _Permit] = {}

    def feature(self) -> Feature:
        """The hooks; list it before the features that ask for permits."""
        return Feature(name="authorisation", admit=self._admit, refresh=self._refresh, over=self._over)

    def reads(self, channel: Channel, extension: Extension) -> bool | None:
        """Whether it may read; None if that was not asked yet."""
        if not channel.join.private:
            return True
        permit = self._permits.get(channel)
        return None if permit is None else permit.read.get(extension)

    async def read_late(self, channel: Channel, extension: Extension) -> bool:
        """Whether it may read what was not asked for at the join (presence that a `track` switches on)."""
        known = self.reads(channel, extension)
        if known is not None:
            return known
        answer = await self._ask_read(channel, (extension,))
        if isinstance(answer, Failure):
            return False
        self._permits[channel].read[extension] = extension in answer
        return extension in answer

    def writes(self, channel: Channel, extension: Extension) -> bool | None:
        """Whether it may write; None if that was not asked yet: then ask `write_first`."""
        if not channel.join.private:
            return True
        permit = self._permits.get(channel)
        return None if permit is None else permit.write.get(extension)

    async def write_first(self, channel: Channel, extension: Extension) -> bool:
        """Ask whether it may write, and keep the answer; while there is none it may not."""
        if self._authorisation is None:
            return False
        answer = await self._authorisation.writable(_visitor(channel), extension)
        if isinstance(answer, Failure):
            return False
        permit = self._permits.get(channel)
        if permit is not None:
            permit.write[extension] = answer
        return answer

    async def _enter(self, channel: Channel) -> Failure | None:
        asked = (Extension.BROADCAST, Extension.PRESENCE) if channel.join.presence else (Extension.BROADCAST,)
        answer = await self._ask_read(channel, asked)
        if isinstance(answer, Failure):
            return answer
        self._permits[channel] = _Permit(read={each: each in answer for each in asked})
        return None

    def _admit(self, channel: Channel) -> Awaitable[Refusal] | Refusal:
        """A public channel needs no permit, but the database must be there for it, too (realtime-facts 3.3)."""
        if channel.join.private:
            return self._let_in(channel)
        if self._authorisation is None or self._authorisation.standing:
            return None
        return self._reach(self._authorisation, channel)

    async def _reach(self, authorisation: Authorisation, channel: Channel) -> Refusal:
        failure = await authorisation.reach()
        return None if failure is None else failure.at_join(short_topic(channel.topic))

    async def _let_in(self, channel: Channel) -> Refusal:
        """Refused only when nothing may be read: who may read presence alone is let in (realtime-facts 5.6)."""
        topic = short_topic(channel.topic)
        failure = await self._enter(channel)
        if failure is not None:
            return failure.at_join(topic)
        return None if any(self._permits[channel].read.values()) else f"Unauthorized: {_no_permission(topic)}"

    def _refresh(self, channel: Channel) -> Awaitable[Refusal] | Refusal:
        return self._look_again(channel) if channel.join.private else None

    async def _look_again(self, channel: Channel) -> Refusal:
        """The new token's permits replace the old; whoever loses one to read is shut out (realtime-facts 1.4)."""
        topic = short_topic(channel.topic)
        old = self._permits[channel].read
        failure = await self._enter(channel)
        if failure is not None:
            return failure.at_refresh(topic)
        new = self._permits[channel].read
        if not any(new.values()):
            return _no_permission(topic)
        if any(old.get(extension) and not may for extension, may in new.items()):
            return f"You no longer have permission to read from this Channel topic: {topic}"
        return None

    async def _ask_read(self, channel: Channel, extensions: Collection[Extension]) -> frozenset[Extension] | Failure:
        if self._authorisation is None:
            return Failure(reason=Reason.NO_DATABASE, words="this server has no database")
        return await self._authorisation.readable(_visitor(channel), extensions)

    def _over(self, channel: Channel) -> None:
        self._permits.pop(channel, None)


def _visitor(channel: Channel) -> Visitor:
    return Visitor(
        topic=short_topic(channel.topic),
        role=channel.claims.role,
        claims=channel.claims.text,
        headers=channel.socket.headers,
    )


def _no_permission(topic: str) -> str:
    return f"You do not have permissions to read from this Channel topic: {topic}"
