"""Whether a request asks for a WebSocket, in the words of the library that looks at it on the real server.

Read in the source of `websock_adapter`, not recorded: realtime-facts 1.1 says 400 with a text.
"""

from collections.abc import Mapping

from harness.realtime.elixir import inspect


def upgrade_fault(headers: Mapping[str, str]) -> str | None:
    """What is wrong with the headers of an upgrade (RFC 6455, 4.2.1); None if nothing is."""
    if not headers.get("host"):
        return "'host' header is absent"
    for name, needed in (("connection", "upgrade"), ("upgrade", "websocket")):
        if needed not in (part.strip().lower() for part in headers.get(name, "").split(",")):
            return f"'{name}' header must contain '{needed}', got {_got(headers, name)}"
    if not headers.get("sec-websocket-key"):
        return "'sec-websocket-key' header is absent"
    if headers.get("sec-websocket-version") != "13":
        return f"'sec-websocket-version' header must equal '13', got {_got(headers, 'sec-websocket-version')}"
    return None


def _got(headers: Mapping[str, str], name: str) -> str:
    return inspect([headers[name]] if name in headers else [])
