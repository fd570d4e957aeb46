"""`App`: one application under test, as its parts; the reference and the specification's own code are two of them.

What the backends and the interpreter need of an application, whichever it is (`--app`).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Any, Protocol
from uuid import UUID

from harness.clients.client import Client
from harness.clock import Clock
from harness.events.event import ProcessEvent
from harness.events.types import EventData, StateUpdated
from harness.history import Recorder
from harness.phoenix.connection import Timing
from harness.pipeline.app_api import AppApi
from harness.pipeline.reader_status import Status
from harness.pipeline.reducer import ProcessState
from harness.pipeline.store import Content, Store

Write = Callable[[ProcessEvent], Awaitable[int]]
"""Commits the event, alone or with more, and returns its sequence. Harmless when done again."""

Trace = Callable[[str, str, Mapping[str, Any]], Mapping[str, Any] | None]
"""(table, action, record) → row keys, or None: the form of `replication.change.Trace`."""


class EventPublisher(Protocol):
    """Publishes events of any number of processes; records the hops emit, debounce and insert."""

    async def publish(self, process_id: str, data: EventData, *, write: Write | None = None) -> None:
        """Take the event; `write` is for who commits more with it, and then it is committed on return.

        Otherwise a debounce policy may hold it back for a while. Raises the last `StoreError` when it could not be
        written, as far as that is known by now.
        """
        ...

    async def publish_at_once(self, process_id: str, events: Sequence[EventData]) -> None:
        """Write many events in one statement, each with a number of its own, past the debouncer; as an import does."""
        ...

    async def flush(self, process_id: str) -> None:
        """Return when nothing of the process is held back or being written any more."""
        ...

    def forget(self, process_id: str) -> None:
        """Drop what is kept for a process that has ended."""
        ...

    def held(self) -> Mapping[str, int]:
        """What it keeps, by kind, for the census of resources: `keys`, `pending`, `timers`."""
        ...

    async def close(self, *, grace: bool = True) -> None:
        """End; with `grace` what is held back is written first, if this application does so at all."""
        ...


class StateSaver(Protocol):
    """Saves state rows and finished articles."""

    async def save(
        self,
        process_id: str,
        facts: StateUpdated,
        *,
        more: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        last: EventData | None = None,
    ) -> None:
        """Save the columns that `facts` names and `more`, and publish `facts`, or `last` in its place."""
        ...

    async def save_content(self, content: Content) -> None:
        """Keep the finished article."""
        ...


class Reader(Protocol):
    """One browser tab that shows a process; tells the history what docs/history.md has of a reader.

    All timeouts are seconds of its clock; waits raise `TimeoutError`. What ended it from inside is raised by the next
    wait, or by `close`.
    """

    @property
    def name(self) -> str: ...
    @property
    def process_id(self) -> str: ...
    @property
    def user_id(self) -> UUID: ...
    @property
    def cursor(self) -> int:
        """The sequence that it would ask for events after."""
        ...

    @property
    def status(self) -> Status: ...
    @property
    def state(self) -> ProcessState:
        """What it shows."""
        ...

    def applied(self, event_type: str) -> int:
        """How many events of that type it has applied."""
        ...

    def shows_question(self, input_type: str) -> bool:
        """Whether a question of that type is shown which it has not answered yet."""
        ...

    def held(self) -> Mapping[str, int]:
        """What it keeps, by kind, for the census of resources: `channels`, `timers`, `buffered`."""
        ...

    async def start(self) -> None: ...
    async def wait_ready(self, timeout: float) -> None: ...
    async def wait_until(self, predicate: Callable[[ProcessState], bool], timeout: float) -> None: ...
    async def answer(
        self, input_type: str, action: str, payload: Mapping[str, Any], *, timeout: float = 10.0
    ) -> None: ...
    async def pause(self) -> None: ...
    async def resume(self) -> None: ...
    async def acknowledge(self) -> None: ...

    async def sign_in(self, token: str) -> None:
        """The session of the user has been loaded: use this token from now on."""
        ...

    async def remount(self) -> None:
        """Take the page down and put it up again at once, as React's StrictMode does."""
        ...

    async def drop(self) -> None: ...
    async def leave(self) -> None: ...
    async def close(self) -> None: ...


class MakeReader(Protocol):
    """A page that is not yet opened. `token` gives the newest token; not `signed_in`: not before `sign_in`."""

    def __call__(
        self,
        name: str,
        client: Client,
        api: AppApi,
        *,
        process_id: str,
        user: str,
        user_id: UUID,
        clock: Clock,
        rng: Random,
        recorder: Recorder,
        trace: Trace,
        role: str,
        schema: str,
        token: Callable[[], str],
        client_name: str,
        signed_in: bool,
    ) -> Reader: ...


class Sessions(Protocol):
    """What an application must run SQL of its own: one asyncpg pool serves."""

    async def execute(self, query: str, *args: Any) -> Any: ...


class App(Protocol):
    """One application under test."""

    @property
    def name(self) -> str:
        """As in `--app`."""
        ...

    @property
    def debounce(self) -> str:
        """The name of its debounce policy."""
        ...

    @property
    def timing(self) -> Timing:
        """How its browser client beats, retries and gives up."""
        ...

    def more_tables(self, schema: str) -> str:
        """SQL to run after our own migration, in one transaction, any number of times."""
        ...

    async def open_store(self, url: str, *, schema: str) -> Store:
        """Its tables; also what its publisher writes through."""
        ...

    def publisher(self, store: Store, *, recorder: Recorder, clock: Clock, rng: Random) -> EventPublisher: ...

    def states(self, store: Store, publisher: EventPublisher, *, clock: Clock) -> StateSaver: ...

    @property
    def reader(self) -> MakeReader:
        """Makes its pages."""
        ...

    async def clean_up(self, sessions: Sessions, *, schema: str, clock: Clock | None = None) -> int:
        """Its daily cleanup job, once, at the pace that it keeps by `clock`; how many rows it deleted."""
        ...
