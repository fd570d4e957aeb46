"""`realtime.messages` in PostgreSQL: its stream of broadcasts, its replays, its partitions (realtime-facts 5.3, 5.4).

Between the WAL and the rooms: a path of its own beside the changes, with its own slot, told of every commit at once.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from random import Random
from typing import Any, Final, NoReturn

import asyncpg

from harness.clock import Clock
from harness.errors import ReplicationError, VisibilityError
from harness.history.recorder import Recorder
from harness.realtime.authorisation import Authorisation
from harness.realtime.authorisation_postgres import PostgresAuthorisation
from harness.realtime.broadcast import Replay, Stored, in_order
from harness.realtime.session_postgres import Session
from harness.replication.change import Change
from harness.replication.source import ChangeSource

SLOT: Final = "supabase_realtime_messages_replication_slot_"
"""The slot's name begins so; what follows tells the servers of one cluster apart."""
PUBLICATION: Final = "supabase_realtime_messages_publication"
APPLICATION_NAME: Final = "realtime_replication_connection"

_BROKEN: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 -- as the column has it: UTC without saying so
_EARLIEST: Final = -62_135_596_800_000
"""The year 1: no row is older."""
JANITOR_S: Final = 4 * 3600.0
_FIRST_BACKOFF_S: Final = 5.0
_LONGEST_BACKOFF_S: Final = 300.0
_QUICK_BACKOFF_S: Final = 0.1
_POLL_S: Final = 0.1
"""Between two looks at a source that does not wait for rows itself."""
_GIVE_UP_S: Final = 7200.0
_REPLAY: Final = """
select id::text, event, payload::text, binary_payload
from realtime.messages
where topic = $1 and private and extension = 'broadcast' and inserted_at >= $2 and inserted_at < $3
order by inserted_at desc
limit $4
"""


async def prepare(session: Session, clock: Clock) -> None:
    """Make the table, its functions and the partitions of these days; raises `VisibilityError`.

    Do it before anybody makes policies on the table, and before a server starts. Safe to do again.
    """
    try:
        await session.execute((files("harness.realtime") / "sql" / "messages.sql").read_text("utf-8"))
        await make_partitions(session, clock)
    except _BROKEN as error:
        raise VisibilityError(f"the table realtime.messages cannot be prepared: {error}") from error


async def make_partitions(session: Session, clock: Clock) -> None:
    """The janitor's work: the partitions from yesterday to three days from now; older ones are dropped."""
    await session.fetch("select realtime.harness_partitions($1)", clock.wall().date())


class PostgresMessages:
    """The database side of broadcasts. Call `open` first and `close` last.

    `dsn` must be a superuser's. `open_source` makes a closed source of `PUBLICATION` on a slot of its own; it is
    called again after every break. What is committed while there is none is broadcast to nobody. Partitions are made
    every `janitor_s` seconds.
    """

    def __init__(
        self,
        dsn: str,
        *,
        open_source: Callable[[], ChangeSource],
        clock: Clock,
        rng: Random,
        recorder: Recorder,
        janitor_s: float = JANITOR_S,
    ) -> None:
        self._session = Session(dsn)
        self._open_source = open_source
        self._clock = clock
        self._rng = rng
        self._recorder = recorder
        self._janitor_s = janitor_s
        self._patient = True
        self._hear: Callable[[Change], None] = _nobody
        self._tasks: list[asyncio.Task[None]] = []
        self.connected = False
        self.authorisation: Authorisation = PostgresAuthorisation(self._session)

    async def open(self) -> None:
        """Prepare the database; raises `VisibilityError`."""
        await prepare(self._session, self._clock)

    def listen(self, hear: Callable[[Change], None], *, patient: bool) -> None:
        """See `Messages.listen`. To start takes as long as write transactions are open."""
        self._hear, self._patient = hear, patient
        self._start(self._stream())
        self._start(self._sweep())

    async def close(self) -> None:
        """End the stream, give up its slot and the session. Safe to call twice."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._session.close()

    async def replay(self, topic: str, replay: Replay) -> tuple[Stored, ...] | None:
        """See `Messages.replay`."""
        since = _EPOCH + timedelta(milliseconds=max(replay.since, _EARLIEST))
        try:
            rows = await self._session.fetch(_REPLAY, topic, since, _naive(self._clock.wall()), replay.limit)
        except _BROKEN:
            return None
        return in_order(
            Stored(id=id_, event=event, payload=payload, binary_payload=binary) for id_, event, payload, binary in rows
        )

    async def _stream(self) -> None:
        wait, down_since, failures = _FIRST_BACKOFF_S, self._clock.now(), 0
        while self._clock.now() - down_since < _GIVE_UP_S:
            source = self._open_source()
            try:
                await source.open()
                self.connected = True
                await self._read(source)
            except ReplicationError as error:
                failures = 1 if self.connected else failures + 1
                self._recorder.record("realtime", "stream", {"failures": failures}, type="info", error=str(error))
                if self.connected:
                    wait, down_since = _FIRST_BACKOFF_S, self._clock.now()
            finally:
                self.connected = False
                await source.close()
            wait = self._rng.uniform(min(wait, _LONGEST_BACKOFF_S / 3), min(wait * 3, _LONGEST_BACKOFF_S))
            await self._clock.sleep(wait if self._patient else _QUICK_BACKOFF_S)

    async def _read(self, source: ChangeSource) -> NoReturn:
        while True:
            changes = (await source.read()).changes
            for change in changes:
                self._hear(change)
            if not changes:
                await self._clock.sleep(_POLL_S)

    async def _sweep(self) -> None:
        while True:
            await self._clock.sleep(self._janitor_s)
            try:
                await make_partitions(self._session, self._clock)
            except _BROKEN as error:
                self._recorder.record("realtime", "janitor", {}, type="info", error=str(error))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="realtime messages")
        task.add_done_callback(_tell)
        self._tasks.append(task)


def _nobody(change: Change) -> None:
    """Before `listen`."""


def _naive(moment: datetime) -> datetime:
    """As the column `inserted_at` has it: UTC without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _tell(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        message = {"message": "the stream of realtime.messages broke", "exception": error}
        asyncio.get_running_loop().call_exception_handler(message)
