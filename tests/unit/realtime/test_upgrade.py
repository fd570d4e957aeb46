import pytest
from multidict import CIMultiDict

from harness.realtime.upgrade import upgrade_fault

GOOD = {
    "Host": "realtime-dev.localhost",
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "WebSocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def test_an_upgrade_as_browsers_send_it_has_no_fault() -> None:
    assert upgrade_fault(CIMultiDict(GOOD)) is None


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("Host", None, "'host' header is absent"),
        ("Connection", None, "'connection' header must contain 'upgrade', got []"),
        ("Connection", "close", "'connection' header must contain 'upgrade', got [\"close\"]"),
        ("Upgrade", "h2c", "'upgrade' header must contain 'websocket', got [\"h2c\"]"),
        ("Sec-WebSocket-Key", "", "'sec-websocket-key' header is absent"),
        ("Sec-WebSocket-Version", "8", "'sec-websocket-version' header must equal '13', got [\"8\"]"),
    ],
)
def test_a_header_that_is_missing_or_wrong_is_named(name: str, value: str | None, fault: str) -> None:
    headers = CIMultiDict(GOOD)
    del headers[name]
    if value is not None:
        headers[name] = value

    assert upgrade_fault(headers) == fault
