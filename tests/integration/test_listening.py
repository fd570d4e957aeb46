"""The socket of a stack: taken at once, and reached by the address that is told."""

import socket

import pytest

from harness.backends.listening import listen, root_url
from harness.errors import CannotListen, PortTaken


def test_who_connects_before_anybody_serves_waits() -> None:
    with listen("127.0.0.1", 0) as listening:
        address = listening.getsockname()[:2]
        with socket.create_connection(address, timeout=5) as early:
            assert early.getpeername() == address


@pytest.mark.parametrize(
    ("host", "root"), [("127.0.0.1", "127.0.0.1:{}"), ("localhost", "127.0.0.1:{}"), ("0.0.0.0", "127.0.0.1:{}")]
)
def test_a_stack_is_told_by_an_address_that_can_be_reached(host: str, root: str) -> None:
    with listen(host, 0) as listening:
        assert root_url(listening).replace("[::1]", "127.0.0.1") == root.format(listening.getsockname()[1])


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_address_of_version_6_is_in_brackets() -> None:
    try:
        listening = listen("::1", 0)
    except CannotListen as error:
        pytest.skip(str(error))
    with listening:
        assert root_url(listening) == f"[::1]:{listening.getsockname()[1]}"


def test_a_port_can_be_taken_once() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(PortTaken) as refused:
        listen("127.0.0.1", first.getsockname()[1])

    assert "use --port 0 for a free one" in str(refused.value)


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "", "a" * 300])
def test_an_address_that_is_not_ours_is_refused(host: str) -> None:
    with pytest.raises(CannotListen, match=r"try --host 127\.0\.0\.1 --port 0"):
        listen(host, 0)
