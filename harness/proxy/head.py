"""The head of a request on its way through the proxy, which is the only thing that it changes unasked.

Beside the straight line. A head is the first line and the headers, up to and with the empty line.
"""

from typing import Final

END: Final = b"\r\n\r\n"

_SWITCHING_PROTOCOLS: Final = b"101"


def asks_for_websocket(head: bytes) -> bool:
    return any(_name(line) == b"upgrade" and b"websocket" in line.lower() for line in _headers(head))


def is_accepted(answer: bytes) -> bool:
    """Whether the answer to such a request is that frames follow."""
    return _lines(answer)[0].split(b" ")[1:2] == [_SWITCHING_PROTOCOLS]


def forwarded(head: bytes, *, host: str | None) -> bytes:
    """The head as the server is to get it.

    An upgrade loses its offer of extensions, so that no frame is ever compressed. `host`, for a server that is told
    by its name, replaces the Host; then a request that is no upgrade is the last of its connection, as the heads of
    those that follow are not looked at.
    """
    upgrade = asks_for_websocket(head)
    dropped = {b"sec-websocket-extensions"} if upgrade else set()
    ours: list[bytes] = []
    if host is not None:
        dropped |= {b"host"} if upgrade else {b"host", b"connection"}
        ours = [b"Host: " + host.encode(), *([] if upgrade else [b"Connection: close"])]
    kept = [line for line in _headers(head) if _name(line) not in dropped]
    return b"\r\n".join([_lines(head)[0], *ours, *kept]) + END


def _lines(head: bytes) -> list[bytes]:
    return head.removesuffix(END).split(b"\r\n")


def _headers(head: bytes) -> list[bytes]:
    return _lines(head)[1:]


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].strip().lower()
