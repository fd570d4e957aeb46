"""Heads of requests as they come to the gateway and as they leave it."""

import pytest

from harness.backends.gateway_head import forwarded


def test_an_upgrade_goes_to_the_socket_of_the_tenant() -> None:
    head = (
        b"GET /realtime/v1/websocket?apikey=k&vsn=2.0.0 HTTP/1.1\r\n"
        b"Host: 127.0.0.1:54321\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )

    changed = forwarded(head, host="localhost")

    assert changed == (
        b"GET /socket/websocket?apikey=k&vsn=2.0.0 HTTP/1.1\r\n"
        b"Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )


def test_another_request_is_the_last_one_of_its_connection() -> None:
    head = (
        b"POST /realtime/v1/api/broadcast HTTP/1.1\r\n"
        b"host: here\r\nconnection: keep-alive\r\nauthorization: Bearer t\r\nContent-Length: 2\r\n\r\n"
    )

    changed = forwarded(head, host="localhost")

    assert changed == (
        b"POST /api/broadcast HTTP/1.1\r\n"
        b"Host: localhost\r\nConnection: close\r\nauthorization: Bearer t\r\nContent-Length: 2\r\n\r\n"
    )


@pytest.mark.parametrize("path", [b"/", b"/api/tenants/x", b"/realtime/v1", b"/rest/v1/rows"])
def test_other_paths_are_not_for_realtime(path: bytes) -> None:
    assert forwarded(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n", host="localhost") is None
