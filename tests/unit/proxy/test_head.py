"""What becomes of the head of a request, and how an upgrade is known."""

import pytest

from harness.proxy.head import asks_for_websocket, forwarded, is_accepted

UPGRADE = (
    b"GET /socket/websocket?apikey=k HTTP/1.1\r\nHost: localhost:4000\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\nsec-websocket-extensions: x\r\nSec-WebSocket-Key: abc\r\n\r\n"
)
FETCH = b"GET /events HTTP/1.1\r\nHost: localhost:1\r\nConnection: keep-alive\r\nSec-WebSocket-Extensions: no\r\n\r\n"


def test_an_upgrade_loses_its_extensions_and_keeps_all_else() -> None:
    assert forwarded(UPGRADE, host=None) == (
        b"GET /socket/websocket?apikey=k HTTP/1.1\r\nHost: localhost:4000\r\nUpgrade: WebSocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: abc\r\n\r\n"
    )


def test_any_other_request_stays_as_it_is() -> None:
    assert forwarded(FETCH, host=None) == FETCH
    assert forwarded(b"GET / HTTP/1.0\r\n\r\n", host=None) == b"GET / HTTP/1.0\r\n\r\n"


def test_a_server_with_a_name_is_called_by_it() -> None:
    assert forwarded(UPGRADE, host="x.supabase.co") == (
        b"GET /socket/websocket?apikey=k HTTP/1.1\r\nHost: x.supabase.co\r\nUpgrade: WebSocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: abc\r\n\r\n"
    )


def test_a_request_to_a_server_with_a_name_is_the_last_of_its_connection() -> None:
    assert forwarded(FETCH, host="x.supabase.co") == (
        b"GET /events HTTP/1.1\r\nHost: x.supabase.co\r\nConnection: close\r\nSec-WebSocket-Extensions: no\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("head", "asks"),
    [
        (UPGRADE, True),
        (FETCH, False),
        (b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n", False),
        (b"GET /websocket HTTP/1.1\r\nUser-Agent: websocket\r\n\r\n", False),
    ],
)
def test_an_upgrade_is_known_by_its_header(head: bytes, asks: bool) -> None:
    assert asks_for_websocket(head) is asks


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", True),
        (b"HTTP/1.1 101\r\n\r\n", True),
        (b"HTTP/1.1 403 Forbidden\r\nX: 101\r\n\r\n", False),
        (b"rubbish\r\n\r\n", False),
    ],
)
def test_frames_follow_a_101_only(answer: bytes, accepted: bool) -> None:
    assert is_accepted(answer) is accepted
