"""Where a recording is played: the addresses, the tenant's Host and the secret of one server.

Beside the straight line; the engine makes one for itself, a running stack is read from its environment.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from harness.backends.backend import Environment

TENANT: Final = "realtime-dev"
_RECORDED_SOCKET: Final = "/socket/websocket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One server. `address` is dialled, whatever name the Host header carries: tenants need no DNS.

    `socket_path` and `http_path` stand for `/socket/websocket` and the empty path of a server without gateway.
    `restart` restarts its PostgreSQL; None where that is not ours to do. `shared` says that the database has been
    used before: ids must be new, and tables emptied. `complaints` grows by what the server says went wrong in it.
    """

    address: tuple[str, int]
    host: str
    database: str
    secret: str = field(repr=False)
    socket_path: str = _RECORDED_SOCKET
    http_path: str = ""
    secure: bool = False
    restart: Callable[[], Awaitable[None]] | None = None
    shared: bool = False
    complaints: list[str] = field(default_factory=list, compare=False)

    def socket_url(self, recorded: str) -> str:
        """The URL to ask for in place of a recorded one: same query, our path, the Host as `host_for` says."""
        parts = urlsplit(recorded)
        path = self.socket_path if parts.path == _RECORDED_SOCKET else parts.path
        return urlunsplit(("wss" if self.secure else "ws", self.host_for(parts.netloc), path, parts.query, ""))

    def http_url(self, path: str) -> str:
        """The URL of a path of the HTTP API, by address: the Host is a header."""
        host, port = self.address
        return f"{'https' if self.secure else 'http'}://{host}:{port}{self.http_path}{path}"

    def host_for(self, recorded: str) -> str:
        """The tenant's own Host for the recorded tenant's; any other as recorded, which is then a wrong one."""
        name = recorded.partition(":")[0]
        return self.host if name.partition(".")[0] == TENANT else f"{name}:{self.address[1]}"


def of_environment(environment: Environment) -> Target:
    """A running stack, whose database is not ours alone."""
    sockets, http = urlsplit(environment.realtime_url), urlsplit(environment.realtime_http_url)
    secure = sockets.scheme == "wss"
    return Target(
        address=(sockets.hostname or "127.0.0.1", sockets.port or (443 if secure else 80)),
        host=sockets.netloc,
        database=environment.db_url,
        secret=environment.jwt_secret,
        socket_path=f"{sockets.path.rstrip('/')}/websocket",
        http_path=http.path.rstrip("/"),
        secure=secure,
        shared=True,
    )
