"""A stage on which everything is scripted: application, tables, readers and clients note what they are asked."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any
from uuid import UUID

from harness.backends.environment import Environment
from harness.cast import Process, Tally
from harness.clients.client import Binding, ClientEvent
from harness.errors import StackError, StoreError
from harness.history import Recorder
from harness.performing.stage import Stage
from harness.phoenix.connection import Timing
from harness.pipeline.app_api import EventPage
from harness.pipeline.reader_status import Status
from harness.pipeline.reducer import ProcessState
from harness.tokens import DEVELOPMENT_SECRET, user_id
from tests.instant import InstantClock
from tests.unit.faults.recording_world import RecordingWorld

PROCESS = "00000000-0000-0000-0000-0000000000aa"
TIMING = Timing(heartbeat_s=7.0)


class ScriptedReader:
    """Notes its calls; `shown` is what a question waits for, and `becomes` what it turns to while it is waited for."""

    def __init__(self, name: str, **options: Any) -> None:
        self.name = name
        self.process_id = str(options.get("process_id", PROCESS))
        self.user_id = user_id("alice")
        self.options = options
        self.calls: list[tuple[Any, ...]] = []
        self.status = Status.CONNECTING
        self.cursor = 0
        self.counts: dict[str, int] = {}
        self.shown: set[str] = set()

    def applied(self, event_type: str) -> int:
        return self.counts.get(event_type, 0)

    def shows_question(self, input_type: str) -> bool:
        return input_type in self.shown

    def held(self) -> Mapping[str, int]:
        return {"channels": 2, "timers": 1}

    async def start(self) -> None:
        self.calls.append(("start",))

    async def wait_ready(self, timeout: float) -> None:
        self.calls.append(("wait_ready", timeout))

    async def wait_until(self, predicate: Callable[[ProcessState], bool], timeout: float) -> None:
        if not predicate(ProcessState()):
            raise TimeoutError(f"{self.name} was not where it was awaited within {timeout:g} s")

    async def answer(self, input_type: str, action: str, payload: Mapping[str, Any], *, timeout: float = 10.0) -> None:
        self.calls.append(("answer", input_type, action, dict(payload)))

    async def pause(self) -> None:
        self.calls.append(("pause",))

    async def resume(self) -> None:
        self.calls.append(("resume",))

    async def acknowledge(self) -> None:
        self.calls.append(("acknowledge",))

    async def sign_in(self, token: str) -> None:
        self.calls.append(("sign_in", token))

    async def remount(self) -> None:
        self.calls.append(("remount",))

    async def drop(self) -> None:
        self.calls.append(("drop",))

    async def leave(self) -> None:
        self.calls.append(("leave",))

    async def close(self) -> None:
        self.calls.append(("close",))


class ScriptedApp:
    """The application under test, as far as a page needs it."""

    name, debounce, timing = "scripted", "off", TIMING

    def __init__(self) -> None:
        self.readers: list[ScriptedReader] = []

    def reader(self, name: str, client: Any, api: Any, **options: Any) -> ScriptedReader:
        reader = ScriptedReader(name, client=client, api=api, **options)
        self.readers.append(reader)
        return reader


class ScriptedApplication:
    def __init__(self) -> None:
        self.app = ScriptedApp()
        self.calls: list[tuple[Any, ...]] = []

    def release(self, process_id: str) -> None:
        self.calls.append(("release", process_id))

    async def emit(self, process_id: str, data: Any) -> None:
        self.calls.append(("emit", process_id, data))

    async def emit_at_once(self, process_id: str, events: Sequence[Any]) -> None:
        self.calls.append(("emit_at_once", process_id, *events))

    def held(self) -> Mapping[str, int]:
        return {"flows": 3, "pending": 0}


class ScriptedStore:
    """Gives `rows` in pages of two."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    async def events_since(self, process_id: str, since: int, *, limit: int) -> EventPage:
        later = [row for row in self.rows if row["event_sequence"] > since]
        last = self.rows[-1]["event_sequence"] if self.rows else 0
        return EventPage(events=later[:2], last_sequence=last, complete=len(later) <= 2)


class ScriptedBackend:
    name = "scripted"
    hops: frozenset[str] = frozenset()

    def __init__(self, world: RecordingWorld) -> None:
        self.application = ScriptedApplication()
        self.store = ScriptedStore()
        self.cleanup: int | Exception = 12
        self.asked_world: Mapping[str, Any] = {}
        self._world = world
        names = Environment.__dataclass_fields__
        self.environment = Environment(
            **{
                **dict.fromkeys(names, "x"),
                "jwt_secret": DEVELOPMENT_SECRET,
                "realtime_url": "ws://127.0.0.1:4000/socket",
                "app_url": "http://127.0.0.1:4001",
            }
        )

    def world(self, **asked: Any) -> RecordingWorld:
        self.asked_world = asked
        return self._world

    async def census(self) -> Mapping[str, int]:
        return {"channels": 4, "subscriptions": 5}

    async def clean_up(self) -> int:
        if isinstance(self.cleanup, Exception):
            raise self.cleanup
        return self.cleanup


class ScriptedClient:
    """Says what it is given, one after the other, then nothing; an error is raised."""

    def __init__(self, *events: ClientEvent | Exception) -> None:
        self.events: list[ClientEvent | Exception] = list(events)
        self.calls: list[tuple[Any, ...]] = []

    async def connect(self) -> None:
        self.calls.append(("connect",))

    async def subscribe(self, topic: str, bindings: Sequence[Binding]) -> None:
        self.calls.append(("subscribe", topic, tuple(bindings)))

    async def unsubscribe(self, topic: str) -> None:
        raise AssertionError("nobody leaves here")

    async def set_token(self, token: str) -> None:
        raise AssertionError("nobody gives a new token here")

    async def drop(self) -> None:
        raise AssertionError("nobody breaks the socket here")

    async def next_event(self) -> ClientEvent:
        if not self.events:
            await asyncio.Event().wait()
        event = self.events.pop(0)
        if isinstance(event, Exception):
            raise event
        return event

    async def close(self) -> None:
        self.calls.append(("close",))


class ScriptedLinks:
    """The proxy: a port for each link, counted from 5001."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, tuple[str, int], bool]] = []
        self.done: list[tuple[str, Any]] = []
        self.closed = 0

    async def open_link(self, name: str, upstream: tuple[str, int], *, secure: bool = False) -> int:
        self.opened.append((name, upstream, secure))
        return 5000 + len(self.opened)

    def begin(self, fault: Any) -> None:
        self.done.append(("begin", fault))

    def end(self, fault: Any) -> None:
        self.done.append(("end", fault))

    async def close(self) -> None:
        self.closed += 1


class ScriptedHttp:
    """The requests of one browser."""

    made: list["ScriptedHttp"]

    def __init__(self, url: str, *, token: Callable[[], str], timeout: float) -> None:
        self.url = url
        self.token = token
        self.timeout = timeout
        self.started: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []
        self.closed = 0

    async def start(self, initial_request: Mapping[str, Any], simulation: Mapping[str, Any]) -> str:
        self.started.append((initial_request, simulation))
        if simulation.get("refuse"):
            raise StoreError("no")
        return PROCESS

    async def close(self) -> None:
        self.closed += 1


class Scene:
    """A stage and all its doubles; `made` are the options of each client that was asked for."""

    def __init__(
        self,
        *,
        client: str = "native",
        links: bool = False,
        pace: float = 1.0,
        events: Sequence[ClientEvent | Exception] = (),
        clock: Any = None,
    ) -> None:
        self.clock = clock or InstantClock()
        self.world = RecordingWorld(clock=self.clock)
        self.backend = ScriptedBackend(self.world)
        self.tally = Tally()
        self.recorder = Recorder(self.clock.now, sinks=(self.tally,))
        self.links = ScriptedLinks() if links else None
        self.client = ScriptedClient(*events)
        self.made: list[dict[str, Any]] = []
        self.stage = Stage(
            backend=self.backend,  # type: ignore[arg-type]
            recorder=self.recorder,
            tally=self.tally,
            clock=self.clock,
            rng=Random(1),
            make_client=self._make_client,
            client=client,
            schema="public",
            pace=pace,
            proxy=self.links,  # type: ignore[arg-type]
        )

    def _make_client(self, name: str, **options: Any) -> ScriptedClient:
        self.made.append({"name": name, **options})
        return self.client

    def has_process(self, name: str = "article") -> None:
        """As if the story had started it."""
        self.stage.cast.processes[name] = Process(id=PROCESS, owner="alice", owner_id=user_id("alice"))

    def has_reader(self, name: str = "reader") -> ScriptedReader:
        """As if the story had subscribed it."""
        reader = ScriptedReader(name)
        self.stage.cast.readers[name] = reader  # type: ignore[assignment]
        return reader

    def told(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        return [(op.actor, op.f, op.type, dict(op.value)) for op in self.recorder.ops()]


ALICE: UUID = user_id("alice")
BROKEN = StackError("the database is gone")
