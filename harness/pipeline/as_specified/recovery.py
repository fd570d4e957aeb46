"""The specification's `RealtimeConnectionRecovery`, to the letter but for D-60 (hook.py).

Its hook never calls it (D-51). Teams wire it to the loss of the connection; then it gives up after half a minute
(D-66), takes a failed question for "nothing was missed" (D-62), reads one page (D-63), and its events meet the live
ones in whatever order they come (D-64).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from harness.clock import Clock
from harness.errors import FetchFailed
from harness.pipeline.app_api import AppApi
from harness.pipeline.reader_log import ReaderLog

MAX_RETRIES: Final = 5
RETRY_INTERVAL_S: Final = 1.0
BACKOFF_MULTIPLIER: Final = 2.0
PAGE_LIMIT: Final = 1000
"""What an endpoint on PostgREST gives to a question that names no limit, and what ours does."""


class RealtimeConnectionRecovery:
    """For one process. `connected` says whether the connection is there again."""

    def __init__(
        self, api: AppApi, *, process_id: str, clock: Clock, log: ReaderLog, connected: Callable[[], bool]
    ) -> None:
        self._api = api
        self._process_id = process_id
        self._clock = clock
        self._log = log
        self._connected = connected

    async def recover_connection(self) -> bool:
        """Look five times, after 0, 1, 3, 7 and 15 s; after 31 s, the last 16 of no use, give up for ever."""
        delay = RETRY_INTERVAL_S
        for _ in range(MAX_RETRIES):
            if self._connected():
                return True
            await self._clock.sleep(delay)
            delay *= BACKOFF_MULTIPLIER
        return False

    async def sync_missed_events(self, last_event_sequence: int) -> Sequence[Mapping[str, Any]]:
        """The first page of rows after that number; none if they could not be had, and nobody learns which it was."""
        asked = {"since": last_event_sequence}
        self._log.tell("fetch", asked, type="invoke")
        try:
            page = await self._api.events_since(self._process_id, last_event_sequence, PAGE_LIMIT)
        except FetchFailed as error:
            self._log.tell("fetch", asked, type="fail", error=str(error))
            return ()
        answer = {"events": len(page.events), "last_sequence": page.last_sequence, "complete": page.complete}
        self._log.tell("fetch", {**asked, **answer})
        return page.events
