"""`Reference`: the application as `spec-decisions` wants it, put together from the parts of this package.

What stands trial beside the specification's own code (`--app reference`).
"""

from random import Random
from typing import Final

from harness.clock import Clock
from harness.history import Recorder
from harness.phoenix.connection import Timing
from harness.pipeline.app import EventPublisher, MakeReader, Sessions, StateSaver
from harness.pipeline.policies import policy_named
from harness.pipeline.publisher import Publisher
from harness.pipeline.retention import clean_up
from harness.pipeline.state_store import StateStore
from harness.pipeline.store import Store
from harness.pipeline.store_postgres import PostgresStore
from harness.pipeline.subscriber import Subscriber


class Reference:
    """The reference application with one of the debounce policies; raises `UsageError` for an unknown one."""

    name: Final = "reference"
    reader: Final[MakeReader] = Subscriber

    def __init__(self, *, debounce: str = "lossless") -> None:
        self._policy = policy_named(debounce)
        self.debounce: Final = debounce

    @property
    def timing(self) -> Timing:
        """Never gives up, and draws each delay from zero up, so that a crowd does not come back at once (D-66)."""
        return Timing(jitter=1.0)

    def more_tables(self, schema: str) -> str:
        """Nothing: what it needs is in `sql/schema.sql`."""
        return ""

    async def open_store(self, url: str, *, schema: str) -> Store:
        return await PostgresStore.open(url, schema=schema)

    def publisher(self, store: Store, *, recorder: Recorder, clock: Clock, rng: Random) -> EventPublisher:
        return Publisher(store, recorder, clock, rng, policy=self._policy)

    def states(self, store: Store, publisher: EventPublisher, *, clock: Clock) -> StateSaver:
        return StateStore(store, publisher, clock)

    async def clean_up(self, sessions: Sessions, *, schema: str, clock: Clock | None = None) -> int:
        """Its retention, once (retention.py)."""
        return await clean_up(sessions, schema=schema, clock=clock)
