"""HTTP answers as the real server gives them: compact JSON, and the headers that it sets (recordings p04, p05)."""

import json
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "max-age=0, private, must-revalidate",
    "server": "Cowboy",
    "vary": "accept-encoding",
}
"""On every answer."""


def json_answer(status: int, value: Any, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer with a JSON body."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return web.Response(
        status=status,
        text=text,
        content_type="application/json",
        charset="utf-8",
        headers={**HEADERS, **(headers or {})},
    )


def empty_answer(status: int, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer without a body."""
    return web.Response(status=status, headers={**HEADERS, **(headers or {})})
