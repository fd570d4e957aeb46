"""`Wire`: a tab's socket under gevent: `websockets.sync` in one greenlet, the tab in another, a mailbox between them.

A shell without a decision: the tab says what it wants. Must be imported after gevent's monkey patch.
"""

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final
from urllib.parse import urlencode

import gevent  # type: ignore[import-untyped]
from gevent.queue import Empty, SimpleQueue  # type: ignore[import-untyped]
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection as Socket

from harness.clock import SystemClock
from harness.errors import FetchFailed
from harness.phoenix.close_codes import ABNORMAL
from harness.phoenix.connection import Connect, Disconnect
from load.reading.fetching import events_since
from load.reading.tab import Applied, Tab

_CLOCK: Final = SystemClock()
_OPEN_TIMEOUT_S: Final = 10.0
_CLOSE_TIMEOUT_S: Final = 1.0


class Wire:
    """Runs `tab` against a stack. `applied` is told what the page shows, as it does."""

    def __init__(
        self, tab: Tab, *, realtime_url: str, apikey: str, app_url: str, applied: Callable[[Applied], None]
    ) -> None:
        query = {"apikey": apikey, "vsn": "2.0.0", "link": tab.name}
        self.tab: Final = tab
        self._url = f"{realtime_url}/websocket?{urlencode(query)}"
        self._app_url = app_url
        self._applied = applied
        self._mailbox = SimpleQueue()  # of what is to be done in the tab's greenlet
        self._socket: Socket | None = None
        self._holder: gevent.Greenlet | None = None
        self._fetching: set[gevent.Greenlet] = set()
        self._dropped = False

    def run(self) -> None:
        """Open the page and keep it until it has been closed. Whoever kills the greenlet takes the sockets with it."""
        try:
            self.tab.open(_CLOCK.now())
            while not self.tab.ended:
                self._perform()
                self._wait()
        finally:
            gevent.killall([*self._fetching, *([self._holder] if self._holder is not None else [])])

    def close(self, *, leaves: bool) -> None:
        """Have the page closed; `run` then returns. For other greenlets."""
        self._mailbox.put(lambda: self.tab.close(_CLOCK.now(), leaves=leaves))

    def drop(self) -> None:
        """Break the socket without a close frame, as a lost network does; the tab comes back by itself."""
        if self._socket is not None:
            self._dropped = True
            with suppress(OSError):  # it is broken already
                self._socket.socket.shutdown(socket.SHUT_RDWR)

    def _perform(self) -> None:
        """Do what the tab wants done."""
        for each in self.tab.applied():
            self._applied(each)
        self._send(self.tab.frames_to_send())
        for since in self.tab.fetches():
            fetch = gevent.spawn(self._fetch, since)
            self._fetching.add(fetch)
            fetch.rawlink(self._fetching.discard)
        match self.tab.wants():
            case Connect() if self._holder is None:
                self._holder = gevent.spawn(self._hold)
            case Disconnect(code=code, reason=reason) if self._socket is not None:
                self._socket.close(code, reason)

    def _wait(self) -> None:
        """Until something has come in, or the tab's deadline."""
        if self.tab.ended:
            return
        deadline = self.tab.next_deadline()
        timeout = None if deadline is None else max(0.0, deadline - _CLOCK.now())
        try:
            report = self._mailbox.get(timeout=timeout)
        except Empty:
            self.tab.tick(_CLOCK.now())
        else:
            report()

    def _hold(self) -> None:
        """One socket from its opening to its end, which the tab is told whatever it is."""
        ended = ABNORMAL, "the load generator failed", "client"
        try:
            with connect(
                self._url,
                proxy=None,
                compression=None,
                max_size=None,
                ping_interval=None,
                open_timeout=_OPEN_TIMEOUT_S,
                close_timeout=_CLOSE_TIMEOUT_S,
            ) as opened:
                self._dropped = False
                self._mailbox.put(partial(self._opened, opened))
                ended = self._read(opened)
        except InvalidStatus as refusal:
            body = bytes(refusal.response.body or b"").decode(errors="replace")
            reason = f"the server refused the socket with HTTP {refusal.response.status_code}: {body}"
            ended = ABNORMAL, reason, "server"
        except InvalidURI:  # its text has the URL, with our key
            ended = ABNORMAL, "REALTIME_URL is no URL of a WebSocket", "client"
        except (OSError, WebSocketException) as error:
            ended = ABNORMAL, str(error) or type(error).__name__, "server"
        finally:
            self._mailbox.put(partial(self._lost, *ended))

    def _read(self, opened: Socket) -> tuple[int, str, str]:
        """All frames, each with the time at which it came; how the socket ended."""
        try:
            for frame in opened:
                self._mailbox.put(partial(self.tab.received, frame, _CLOCK.now()))
        except ConnectionClosed:
            pass  # told by the return; a friendly close ends the iteration without it
        asked = self.tab.wants()
        if isinstance(asked, Disconnect):
            return asked.code, asked.reason, "client"
        return opened.close_code or ABNORMAL, opened.close_reason or "", "client" if self._dropped else "server"

    def _opened(self, opened: Socket) -> None:
        self._socket = opened
        self.tab.opened(_CLOCK.now())

    def _lost(self, code: int, reason: str, by: str) -> None:
        self._socket = self._holder = None
        self.tab.socket_closed(code, reason, by, _CLOCK.now())

    def _send(self, frames: Sequence[str]) -> None:
        try:
            for frame in frames:
                if self._socket is not None:
                    self._socket.send(frame)
        except ConnectionClosed:
            pass  # the holder tells the tab, which joins again on the next socket

    def _fetch(self, since: int) -> None:
        try:
            page = events_since(self._app_url, self.tab.process_id, since, token=self.tab.token)
        except FetchFailed as error:
            failure = str(error)
            self._mailbox.put(lambda: self.tab.fetch_failed(since, failure, _CLOCK.now()))
        else:
            self._mailbox.put(lambda: self.tab.fetched(since, page, _CLOCK.now()))
