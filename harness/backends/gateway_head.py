"""What a gateway does to the head of a request on its way to Realtime, as Supabase's own gateway does it.

Beside the straight line, for stacks that have no gateway (realtime-facts 1.1, 1.2, 8.2).
"""

from typing import Final

_ROUTES: Final = (
    (b"/realtime/v1/api/", b"/api/"),
    (b"/realtime/v1/", b"/socket/"),
)
"""First match wins. Realtime itself does not know `/realtime/v1`."""


def forwarded(head: bytes, *, host: str) -> bytes | None:
    """The head (request line and headers, up to the empty line) as Realtime is to get it; None for other paths.

    The Host becomes `host`, whose first label is the tenant. A request that is no upgrade is the last one of its
    connection, so that what follows a head never has to be understood.
    """
    request, *headers = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, _, rest = request.partition(b" ")
    for prefix, instead in _ROUTES:
        if rest.startswith(prefix):
            upgrades = any(_name(line) == b"upgrade" for line in headers)
            dropped = {b"host"} if upgrades else {b"host", b"connection"}
            kept = [line for line in headers if _name(line) not in dropped]
            ours = [b"Host: " + host.encode(), *([] if upgrades else [b"Connection: close"])]
            return b"\r\n".join([method + b" " + instead + rest.removeprefix(prefix), *ours, *kept]) + b"\r\n\r\n"
    return None


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].strip().lower()
