"""The accused: the specification's own application, as its parts; what `--app as-specified` runs."""

from random import Random
from typing import Final

from harness.clock import Clock
from harness.errors import UsageError
from harness.history import Recorder
from harness.phoenix.connection import Timing
from harness.pipeline.app import EventPublisher, MakeReader, Sessions, StateSaver
from harness.pipeline.as_specified import maintenance
from harness.pipeline.as_specified.context_save import ContextSave
from harness.pipeline.as_specified.page import Page
from harness.pipeline.as_specified.publisher import SpecifiedPublisher
from harness.pipeline.as_specified.schema import sql
from harness.pipeline.as_specified.store import SpecifiedStore, Tables
from harness.pipeline.store import Store

NAME: Final = "as-specified"
OFF: Final = "off"
POLICIES: Final = (NAME, OFF)


class AsSpecified:
    """`App` to the letter of the specification. `debounce`: its own debouncer, or `off` for none.

    Raises `UsageError` for any other: its publisher knows no policies.
    """

    name: Final = NAME
    reader: Final[MakeReader] = Page

    def __init__(self, *, debounce: str | None = None) -> None:
        self._debounce = NAME if debounce is None else debounce
        if self._debounce not in POLICIES:
            raise UsageError(f"--app {NAME} has no debounce policy {debounce!r}: it is {' or '.join(POLICIES)}")

    @property
    def debounce(self) -> str:
        return self._debounce

    @property
    def timing(self) -> Timing:
        """What realtime-js does by itself: no jitter, so that all who lost a server come back at once (D-66)."""
        return Timing(jitter=0.0)

    def more_tables(self, schema: str) -> str:
        return sql("tables.sql", schema) + maintenance.function_sql(schema)

    async def open_store(self, url: str, *, schema: str) -> SpecifiedStore:
        return await SpecifiedStore.open(url, schema=schema)

    def publisher(self, store: Store, *, recorder: Recorder, clock: Clock, rng: Random) -> SpecifiedPublisher:
        debounced = self._debounce != OFF
        return SpecifiedPublisher(_own(store), recorder=recorder, clock=clock, rng=rng, debounced=debounced)

    def states(self, store: Store, publisher: EventPublisher, *, clock: Clock) -> StateSaver:
        return ContextSave(_own(store), publisher, clock=clock)

    async def clean_up(self, sessions: Sessions, *, schema: str, clock: Clock | None = None) -> int:
        return await maintenance.clean_up(sessions, schema=schema)


def _own(store: Store) -> Tables:
    """The store as its own code writes to it."""
    assert isinstance(store, Tables), "a store that `open_store` has opened"
    return store
