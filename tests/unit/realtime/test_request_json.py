"""Bodies of HTTP requests: what is JSON for the real server, and what is none."""

import pytest

from harness.realtime.request_json import parse


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        ('"é"'.encode(), "é"),
        (b'"\\ud83d\\ude00 \\u0000"', "\U0001f600 \0"),
    ],
)
def test_json_is_read(body: bytes, value: object) -> None:
    assert parse(body) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b"[1e999]",
        b'"\\ud800"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b"[" * 100_000,
        b"1" * 5000,
        '"a"'.encode("utf-16"),
    ],
)
def test_what_is_no_json_in_utf_8_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(body)
