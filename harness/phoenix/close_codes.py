"""Every code with which a socket to Realtime ends, and which client comes back after it.

Seen on server v2.129.8 (realtime-facts 1.5 and 11.25), realtime-js 2.119.1 and realtime-py 2.34.1. Python clients
before 2.34 (seen: 2.30) stayed dead after 1000, 1001 and a frame without a code (realtime-facts 7.2).
"""

from collections.abc import Mapping
from dataclasses import dataclass

_ALL = frozenset({"native", "js", "py", "py<2.34"})
_NOT_OLD_PYTHON = _ALL - {"py<2.34"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCode:
    """`when` a socket ends with this code, and the clients that reconnect by themselves afterwards."""

    code: int
    when: str
    reconnects: frozenset[str] = _ALL


NORMAL = 1000
ABNORMAL = 1006

_CODES = (
    CloseCode(
        code=NORMAL,
        when="idle: no byte from the client for about 66 s; or one side said goodbye",
        reconnects=_NOT_OLD_PYTHON,
    ),
    CloseCode(
        code=1001,
        when="a join was refused for too many joins, or the tenant vanished during a join",
        reconnects=_NOT_OLD_PYTHON,
    ),
    CloseCode(code=1002, when="the client broke the WebSocket protocol"),
    CloseCode(code=1005, when="a close frame without a code", reconnects=_NOT_OLD_PYTHON),
    CloseCode(
        code=ABNORMAL, when="no close frame: network lost, server killed, or a socket swept for want of a channel"
    ),
    CloseCode(code=1007, when="a text frame that is not UTF-8"),
    CloseCode(code=1009, when="a frame above 5,000,000 bytes"),
    CloseCode(code=1011, when="the handler of the socket crashed"),
    CloseCode(code=1012, when="the settings of the tenant changed, or the server restarts"),
)

CLOSE_CODES: Mapping[int, CloseCode] = {entry.code: entry for entry in _CODES}
