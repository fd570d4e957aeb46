"""`AppApi` over HTTP: what a browser's `fetch` is to the application."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError

from harness.errors import FetchFailed
from harness.pipeline.app_api import Article, EventPage


class _Started(BaseModel):
    process_id: str


Answer = TypeVar("Answer", bound=BaseModel)


class HttpClient:
    """One user's requests to the application at `app_url`. To be made in a running event loop; `close` it.

    `token` is the bearer token, or a function that is asked for one before each request, so that it can be
    renewed. `timeout` is in seconds for a whole request.
    """

    def __init__(self, app_url: str, *, token: str | Callable[[], str], timeout: float = 10.0) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout))
        self._root = f"{app_url.rstrip('/')}/api/articles/generation"
        self._token = token

    async def close(self) -> None:
        """Give up all connections. Safe to call twice."""
        await self._session.close()

    async def start(self, initial_request: Mapping[str, Any], simulation: Mapping[str, Any]) -> str:
        body = {"initial_request": dict(initial_request), "simulation": dict(simulation)}
        return (await self._ask(_Started, "POST", "", body=body)).process_id

    async def events_since(self, process_id: str, since: int, limit: int) -> EventPage:
        query = {"since_sequence": str(since), "limit": str(limit)}
        return await self._ask(EventPage, "GET", f"/{process_id}/events", query=query)

    async def post_user_input(
        self, process_id: str, *, response_type: str, payload: Mapping[str, Any], input_id: str
    ) -> None:
        body = {"response_type": response_type, "payload": dict(payload), "input_id": input_id}
        await self._request("POST", f"/{process_id}/user-input", body=body)

    async def pause(self, process_id: str) -> None:
        await self._request("POST", f"/{process_id}/pause")

    async def resume(self, process_id: str) -> None:
        await self._request("POST", f"/{process_id}/resume")

    async def ack(self, process_id: str, up_to_sequence: int) -> None:
        await self._request("POST", f"/{process_id}/events/ack", body={"up_to_sequence": up_to_sequence})

    async def content(self, process_id: str) -> Article:
        return await self._ask(Article, "GET", f"/{process_id}/content")

    async def _ask(
        self,
        kind: type[Answer],
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        text = await self._request(method, path, body=body, query=query)
        try:
            return kind.model_validate_json(text)
        except ValidationError as error:
            reason = f"not understood: {error.errors()[0]['msg']}"
            raise FetchFailed(self._root + path, 200, reason) from error

    async def _request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> str:
        url = self._root + path
        token = self._token if isinstance(self._token, str) else self._token()
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with self._session.request(method, url, json=body, params=query, headers=headers) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError) as error:
            raise FetchFailed(url, 0, str(error) or type(error).__name__) from error
        if not response.ok:
            raise FetchFailed(url, response.status, text.strip() or "no reason given")
        return text
