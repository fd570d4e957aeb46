"""The links of all readers: a listening port for each reader and server, and the faults that hold on them."""

import asyncio
import socket
import ssl
from random import Random
from typing import Final

from harness.clock import Clock
from harness.faults.fault import FrameFault, Kind
from harness.proxy.lane import Rules
from harness.proxy.standing import Standing, concerns
from harness.proxy.tunnel import Tunnel, Upstream

_LOOPBACK: Final = "127.0.0.1"


class FaultProxy:
    """Stands between any client and any server, of WebSocket and HTTP, and does to them what the faults say.

    Where none holds bytes pass as they came, but for the head of a request (`harness.proxy.head`). Its links listen
    on the loopback only. `tls` is what is trusted of servers that are reached `secure`ly; the system's own, if None.
    """

    def __init__(self, *, clock: Clock, rng: Random, tls: ssl.SSLContext | None = None) -> None:
        self._clock = clock
        self._rng = rng
        self._tls = tls
        self._standing = Standing()
        self._ports: dict[tuple[str, tuple[str, int]], int] = {}
        self._servers: list[asyncio.Server] = []
        self._tunnels: set[Tunnel] = set()
        self._closed = False

    @property
    def names(self) -> frozenset[str]:
        """The links that have been opened."""
        return frozenset(name for name, _ in self._ports)

    async def open_link(self, name: str, upstream: tuple[str, int], *, secure: bool = False) -> int:
        """The port on which the server at `upstream` (host and port) is reached by the link `name`.

        The same port if it is asked for again. Clients speak to it without TLS, even if the server is `secure`.
        """
        known = self._ports.get((name, upstream))
        if known is not None:
            return known
        listening = socket.create_server((_LOOPBACK, 0))
        port: int = listening.getsockname()[1]
        self._ports[name, upstream] = port
        # Each link has its own luck, so that it does not hang on what the others carry meanwhile.
        rules = Rules(link=name, standing=self._standing, clock=self._clock, rng=Random(self._rng.getrandbits(64)))
        to = Upstream(host=upstream[0], port=upstream[1], tls=self._trusted() if secure else None)
        self._servers.append(
            await asyncio.start_server(lambda reader, writer: self._take(reader, writer, rules, to), sock=listening)
        )
        return port

    def begin(self, fault: FrameFault) -> None:
        """From now on it holds, on links that are opened later, too."""
        self._standing.add(fault)
        if fault.onset.kind is Kind.PASS:
            return
        for tunnel in self._of(fault):
            if fault.onset.kind is Kind.CLOSE:
                tunnel.close(fault.onset.code)
            else:
                tunnel.cut()

    def end(self, fault: FrameFault) -> None:
        """It holds no more; raises `StoryFault` if it did not.

        Connections of which a silent link swallowed what cannot be said again are broken now, as by a network that
        is there again and has forgotten them.
        """
        self._standing.remove(fault)
        for tunnel in self._of(fault):
            if tunnel.lost and not self._standing.silent(tunnel.link):
                tunnel.cut()

    async def close(self) -> None:
        """Stop listening and break every connection. Safe to call twice."""
        self._closed = True
        for server in self._servers:
            server.close()
        tasks = [tunnel.task for tunnel in self._tunnels]
        for tunnel in tuple(self._tunnels):
            tunnel.cut()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rules: Rules, upstream: Upstream
    ) -> None:
        if self._closed:
            return writer.transport.abort()
        tunnel = Tunnel(reader, writer, rules=rules, upstream=upstream)
        self._tunnels.add(tunnel)
        tunnel.task.add_done_callback(lambda _: self._tunnels.discard(tunnel))

    def _of(self, fault: FrameFault) -> list[Tunnel]:
        return [tunnel for tunnel in self._tunnels if concerns(fault, tunnel.link)]

    def _trusted(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls
