"""The official Python client (package `realtime`), unmodified, behind our interface.

What it hides or does differently from the native client:

- It has no events for its socket: `Opened` and `Closed` are concluded from what its channels are told, so a client
  without channels tells neither; `bytes` is always 0.
- It speaks vsn 1.0.0 only, and drops what its models do not fit, such as "Server requested disconnect" and the
  events of errors 400 and 401 (realtime-facts 7.2).
- A `system` error makes it rejoin: `ChannelErrored` follows the `SystemNotice`.
- It tries five times to connect, and then stays dead without a word.
- It obeys proxy variables of the environment.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed, InvalidStatus

from harness.clients import payload
from harness.clients.client import (
    Binding,
    ChannelClosed,
    ChannelErrored,
    ClientEvent,
    Closed,
    Joined,
    Opened,
    Refused,
)
from harness.clients.mailbox import Mailbox
from harness.errors import ClientError, ClientMissing, ConnectRefused
from harness.phoenix.close_codes import ABNORMAL, NORMAL

if TYPE_CHECKING:
    from realtime import AsyncRealtimeChannel, AsyncRealtimeClient


class OfficialPyClient:
    """Implements `clients.client.Client` over `realtime.AsyncRealtimeClient`.

    Raises `ClientMissing` if the package is not installed.
    """

    def __init__(self, url: str, *, apikey: str, token: str | None, link: str | None = None) -> None:
        self._token = token
        self._mailbox = Mailbox()
        self._official = _official(url, apikey, {} if link is None else {"link": link})
        self._channels: dict[str, _Ears] = {}
        self._joins: set[asyncio.Task[None]] = set()
        self._open = False
        self._dropped = False
        self._closed = False

    async def connect(self) -> None:
        if self._token is not None:
            await self._official.set_auth(self._token)
        try:
            await self._official.connect()
        except InvalidStatus as refusal:
            body = bytes(refusal.response.body or b"").decode(errors="replace")
            raise ConnectRefused(refusal.response.status_code, body) from refusal
        except OSError as error:
            raise ClientError(f"realtime-py could not connect: {error}") from error
        self._opened()

    async def subscribe(self, topic: str, bindings: Sequence[Binding]) -> None:
        """As the interface says; joining goes on in the background, as realtime-py itself would wait for it."""
        if topic in self._channels:
            raise ClientError(f"{topic} is subscribed to already: unsubscribe first, or use another topic")
        channel = self._official.channel(topic)
        ears = _Ears(topic, channel, self)
        self._channels[topic] = ears
        ears.listen(bindings)
        join = asyncio.create_task(ears.join())
        self._joins.add(join)
        join.add_done_callback(self._joins.discard)
        self._mailbox.watch(join)

    async def unsubscribe(self, topic: str) -> None:
        if topic not in self._channels:
            raise ClientError(f"{topic} is not subscribed to")
        await self._channels[topic].channel.unsubscribe()

    async def set_token(self, token: str) -> None:
        self._token = token
        await self._official.set_auth(token)

    async def next_event(self) -> ClientEvent:
        return await self._mailbox.take()

    async def drop(self) -> None:
        """As the interface says; the socket is a private attribute of the client, and there is no other way."""
        socket = self._official._ws_connection
        if socket is not None:
            self._dropped = True
            socket.transport.abort()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._open:
            for ears in list(self._channels.values()):
                await ears.channel.unsubscribe()
        await self._official.close()
        for join in list(self._joins):
            join.cancel()
        for topic in list(self._channels):
            self.channel_closed(topic)
        if self._open:
            self.tell(Closed(code=NORMAL, by="client"))
        self._mailbox.end()

    # -- told by the ears of a channel

    def tell(self, event: ClientEvent) -> None:
        self._mailbox.put(event)

    def joined(self, topic: str) -> None:
        if not self._open:
            self._opened()
        self.tell(Joined(topic=topic))

    def channel_closed(self, topic: str) -> None:
        """Once per channel: the client tells it again when an old leave times out."""
        if self._channels.pop(topic, None) is not None:
            self.tell(ChannelClosed(topic=topic))

    def socket_lost(self, error: ConnectionClosed) -> None:
        """Once per socket, though every channel is told."""
        if not self._open:
            return
        self._open = False
        by = "client" if self._dropped else "server"
        code, reason = (ABNORMAL, "") if error.rcvd is None else (error.rcvd.code, error.rcvd.reason)
        self.tell(Closed(code=code, reason=reason, by=by))

    def _opened(self) -> None:
        self._open = True
        self._dropped = False
        self.tell(Opened())


class _Ears:
    """The callbacks of one channel."""

    def __init__(self, topic: str, channel: "AsyncRealtimeChannel", client: OfficialPyClient) -> None:
        self.channel = channel
        self._topic = topic
        self._client = client
        self._joined = False
        self._last: Mapping[str, Any] | None = None

    def listen(self, bindings: Sequence[Binding]) -> None:
        from realtime.types import RealtimePostgresChangesListenEvent as ListenEvent

        self.channel.on_system(lambda told: self._client.tell(payload.notice(self._topic, dict(told))))
        for binding in bindings:
            self.channel.on_postgres_changes(
                ListenEvent(binding.event),
                self._change,
                table=binding.table,
                schema=binding.schema,
                filter=binding.filter,
            )

    async def join(self) -> None:
        try:
            await self.channel.subscribe(self._status)
        except (OSError, InvalidStatus) as error:  # it was reconnecting, and gave up
            self._client.tell(Refused(topic=self._topic, reason=str(error)))

    def _change(self, told: Mapping[str, Any]) -> None:
        """Called once for each binding that a message is for, with the same object: it is told once."""
        if told is self._last:
            return
        self._last = told
        action = told["data"]["type"].value
        self._client.tell(payload.change(self._topic, {**told, "data": {**told["data"], "type": action}}))

    def _status(self, status: Any, error: Exception | None) -> None:
        outcomes: Mapping[str, Callable[[Exception | None], None]] = {
            "SUBSCRIBED": self._subscribed,
            "CHANNEL_ERROR": self._failed,
            "TIMED_OUT": self._timed_out,
            "CLOSED": self._over,
        }
        outcomes[status.value](error)

    def _subscribed(self, _: Exception | None) -> None:
        self._joined = True
        self._client.joined(self._topic)

    def _timed_out(self, _: Exception | None) -> None:
        self._client.tell(Refused(topic=self._topic, reason="timed out"))

    def _over(self, _: Exception | None) -> None:
        self._client.channel_closed(self._topic)

    def _failed(self, error: Exception | None) -> None:
        """One status for four things: the socket is gone, a join refused, a crash, or a `system` error."""
        was_joined, self._joined = self._joined, False
        if isinstance(error, ConnectionClosed):
            self._client.socket_lost(error)
            self._client.tell(ChannelErrored(topic=self._topic, reason=str(error)))
            return
        told = _as_object(str(error))
        if "extension" in told:
            self._client.tell(payload.notice(self._topic, told))
        reason = str(told.get("reason") or told.get("message") or error)
        failure = ChannelErrored if was_joined else Refused
        self._client.tell(failure(topic=self._topic, reason=reason))


def need_package() -> None:
    """Raises `ClientMissing` if the client is not installed."""
    if find_spec("realtime") is None:
        raise ClientMissing(
            "the official Python client is not installed: pip install 'realtime-harness[clients]', "
            "or use --client native"
        )


def _official(url: str, apikey: str, params: Mapping[str, str]) -> "AsyncRealtimeClient":
    need_package()
    from realtime import AsyncRealtimeClient

    return AsyncRealtimeClient(url, apikey, params=dict(params))


def _as_object(text: str) -> Mapping[str, Any]:
    """The JSON object that the client put into the words of its exception; {} if these are plain words."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
