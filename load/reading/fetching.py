"""The application's HTTP side as one tab asks it: under gevent's monkey patch the standard library's client waits well.

Beside the line: where a tab gets what did not come live.
"""

import http.client
from typing import Final
from urllib.parse import urlencode, urlsplit

from pydantic import ValidationError

from harness.errors import FetchFailed
from harness.pipeline.app_api import EventPage

PAGE: Final = 500
_TIMEOUT_S: Final = 10.0


def events_since(app_url: str, process_id: str, since: int, *, token: str) -> EventPage:
    """The first `PAGE` events of the process after `since`; raises `FetchFailed`."""
    where = urlsplit(app_url)
    query = urlencode({"since_sequence": since, "limit": PAGE})
    path = f"{where.path}/api/articles/generation/{process_id}/events"
    url = f"{app_url}{path}"
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    connection = kind(where.hostname or "", where.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", f"{path}?{query}", headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise FetchFailed(url, 0, str(error) or type(error).__name__) from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise FetchFailed(url, response.status, body.decode(errors="replace").strip() or "no reason given")
    try:
        return EventPage.model_validate_json(body)
    except ValidationError as error:
        raise FetchFailed(url, response.status, f"not understood: {error.errors()[0]['msg']}") from error
