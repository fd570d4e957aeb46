"""The socket on which a stack of ours is reached, taken before anything else is started."""

import errno
import socket

from harness.errors import CannotListen, PortTaken

_BACKLOG = 128


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host`; `port` 0 takes a free one.

    Who connects waits until somebody serves: a taken port costs nobody the start of a stack, and nobody else can
    take it meanwhile. Raises `PortTaken` or `CannotListen`.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise CannotListen(host, port, getattr(error, "strerror", None) or str(error)) from error
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host, port) from error
        raise CannotListen(host, port, error.strerror or str(error)) from error
    return listening


def root_url(listening: socket.socket) -> str:
    """`host:port` as it stands in a URL; a socket that listens everywhere is reached by loopback."""
    host, port = listening.getsockname()[:2]
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{reached}]:{port}" if ":" in reached else f"{reached}:{port}"
