"""What the user of a page does: each request to the application, told to the history."""

from collections.abc import Coroutine, Mapping
from typing import Any

from harness.errors import FetchFailed
from harness.pipeline.app_api import AppApi
from harness.pipeline.reader_log import ReaderLog


class ReaderActs:
    """The requests of one reader on one process. Each raises `FetchFailed`, and is told either way."""

    def __init__(self, api: AppApi, log: ReaderLog, *, process_id: str) -> None:
        self._api = api
        self._log = log
        self._process_id = process_id

    async def answer(self, input_type: str, action: str, payload: Mapping[str, Any], *, input_id: str) -> None:
        """Answer the question `input_id`."""
        post = self._api.post_user_input(
            self._process_id, response_type=input_type, payload={"action": action, **payload}, input_id=input_id
        )
        await self._act("user-input", post, {"input_type": input_type, "input_action": action})

    async def pause(self) -> None:
        """Press pause."""
        await self._act("pause", self._api.pause(self._process_id))

    async def resume(self) -> None:
        """Press resume."""
        await self._act("resume", self._api.resume(self._process_id))

    async def acknowledge(self, up_to_sequence: int) -> None:
        """Tell the application how far the reader has applied."""
        await self._act("ack", self._api.ack(self._process_id, up_to_sequence))

    async def _act(
        self, action: str, request: Coroutine[Any, Any, None], more: Mapping[str, Any] | None = None
    ) -> None:
        value = {"action": action, **(more or {})}
        self._log.tell("act", value, type="invoke")
        try:
            await request
        except FetchFailed as error:
            # A request without an answer may have been carried out.
            self._log.tell("act", value, type="fail" if error.status else "info", error=str(error))
            raise
        self._log.tell("act", value)
