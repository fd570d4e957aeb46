"""Performs the steps of a story on a backend and records what the story did."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from harness.backends.backend import Backend
from harness.cast import Cast, Process, Tally
from harness.clients.client import Client
from harness.clock import Clock
from harness.errors import HarnessError, StoryError, StoryFault
from harness.generators import step as steps
from harness.history import Recorder
from harness.pipeline.http_client import HttpClient
from harness.pipeline.subscriber import Subscriber
from harness.pipeline.summary import summary
from harness.pipeline.trace import trace
from harness.tokens import mint, user_id

ROLE = "authenticated"
POLL_S = 0.05
END = object()
"""What comes after the last step of a story."""


Result = TypeVar("Result")

MakeClient = Callable[[str, str], Client]
"""(name of the reader, its token) → a client that is not yet connected."""


class Interpreter:
    """Performs one story on a backend that is up. `tally` must be a sink of the recorder."""

    def __init__(
        self,
        *,
        backend: Backend,
        recorder: Recorder,
        tally: Tally,
        clock: Clock,
        rng: Random,
        make_client: MakeClient,
        client: str,
        schema: str = "public",
        pace: float = 1.0,
    ) -> None:
        self._backend = backend
        self._recorder = recorder
        self._tally = tally
        self._clock = clock
        self._rng = rng
        self._make_client = make_client
        self._client = client
        self._schema = schema
        self._pace = pace
        self._cast = Cast()
        self._http: dict[str, HttpClient] = {}
        self._performers: Mapping[type[Any], Callable[[Any], Awaitable[None]]] = {
            steps.StartProcess: self._start_process,
            steps.Subscribe: self._subscribe,
            steps.WaitReady: self._wait_ready,
            steps.WaitFor: self._wait_for,
            steps.WaitCommitted: self._wait_committed,
            steps.Answer: self._answer,
            steps.Pause: self._pause,
            steps.Resume: self._resume,
            steps.Acknowledge: self._acknowledge,
            steps.Disconnect: self._disconnect,
            steps.Leave: self._leave,
            steps.Wait: self._wait,
            steps.Settle: self._settle,
            steps.Together: self._together,
        }

    async def perform(self, story: Iterable[steps.Step], *, branch: str = "") -> None:
        """Perform the steps in order; raises `StoryError` naming the first that could not be done, and why.

        The history has that as a failed step, whatever was the reason: a fault of the story, too.
        """
        following = iter(story)
        for number in count(1):
            step = await self._guarded(_next(following), "story", f"{branch}{number}")
            if step is END:
                return
            await self._perform(step, f"{branch}{number}")

    async def finish(self, *, timeout: float = 30.0) -> None:
        """End the run in an orderly way: flows stop, readers catch up, tables and views are recorded.

        Raises `StoryError` if that cannot be done; it is then told in the history as a failed step.
        """
        await self._guarded(self._finish(timeout), "finish", "end")
        await self.close()

    async def close(self) -> None:
        """Close all readers, which record what they show, and all connections. Safe to call twice.

        What had ended a reader from inside is told in the history as a failed step.
        """
        readers, self._cast.readers = list(self._cast.readers.values()), {}
        sessions, self._http = list(self._http.values()), {}
        ends = await asyncio.gather(*(reader.close() for reader in readers), return_exceptions=True)
        for reader, end in zip(readers, ends, strict=True):
            if isinstance(end, Exception):
                self._stopped(end, f"close {reader.name}", "end")
        await asyncio.gather(*(session.close() for session in sessions))

    async def _finish(self, timeout: float) -> None:
        await self._backend.application.stop_flows()
        await self._settle(steps.Settle(timeout=timeout))
        for process in self._cast.processes.values():
            self._recorder.record("story", "database", await summary(self._backend.store, process.id))

    async def _perform(self, step: steps.Step, number: str) -> None:
        name = type(step).__name__
        self._recorder.record("story", "step", {"step": name, "number": number, **_told(step)}, type="invoke")
        performer = self._performers.get(type(step))
        if performer is None:
            raise self._stopped(StoryFault(f"{step!r} is no step of harness.generators"), name, number)
        await self._guarded(performer(step), name, number)

    async def _guarded(self, work: Awaitable[Result], name: str, number: str) -> Result:
        """The result of a step; whatever it raises is told in the history and comes out as `StoryError`."""
        try:
            return await work
        except StoryError:
            raise
        except Exception as error:
            raise self._stopped(error, name, number) from error

    def _stopped(self, error: Exception, name: str, number: str) -> StoryError:
        reason = words(error)
        self._recorder.record("story", "step", {"step": name, "number": number}, type="fail", error=reason)
        return StoryError(number, name, reason)

    async def _start_process(self, step: steps.StartProcess) -> None:
        owner_id = user_id(step.owner)
        told = {"process": step.process, "owner": step.owner, "owner_id": str(owner_id)}
        self._recorder.record("story", "start_process", told, type="invoke")
        http = self._http_of(step.owner)
        process_id = await http.start({"keywords": ["札幌", "注文住宅", "自然素材"]}, dict(step.simulation))
        self._cast.processes[step.process] = Process(id=process_id, owner=step.owner, owner_id=owner_id)
        self._recorder.record("story", "start_process", {**told, "process_id": process_id})

    async def _subscribe(self, step: steps.Subscribe) -> None:
        process = self._process(step.to)
        reader = Subscriber(
            step.reader,
            self._make_client(step.reader, self._token(step.user)),
            self._http_of(step.user),
            process_id=process.id,
            user=step.user,
            user_id=user_id(step.user),
            role=ROLE,
            client_name=self._client,
            schema=self._schema,
            clock=self._clock,
            rng=Random(self._rng.random()),
            recorder=self._recorder,
            trace=trace,
        )
        self._cast.readers[step.reader] = reader
        await reader.start()

    async def _wait_ready(self, step: steps.WaitReady) -> None:
        await self._reader(step.reader).wait_ready(step.timeout)

    async def _wait_for(self, step: steps.WaitFor) -> None:
        reader = self._reader(step.reader)
        try:
            await reader.wait_until(lambda _: reader.applied(step.event_type) >= step.count, step.timeout)
        except TimeoutError:
            raise TimeoutError(
                f"{reader.name} had applied {reader.applied(step.event_type)} of {step.count} {step.event_type} "
                f"within {step.timeout:g} s: it is {reader.status}"
            ) from None

    async def _wait_committed(self, step: steps.WaitCommitted) -> None:
        process = self._process(step.process)
        try:
            async with asyncio.timeout(step.timeout):
                await self._tally.reach(process.id, step.event_type, step.count)
        except TimeoutError:
            raise TimeoutError(
                f"{self._tally.committed(process.id, step.event_type)} of {step.count} {step.event_type} "
                f"were committed within {step.timeout:g} s"
            ) from None

    async def _answer(self, step: steps.Answer) -> None:
        reader = self._reader(step.reader)
        try:
            await reader.wait_until(lambda _: reader.shows_question(step.input_type), step.timeout)
        except TimeoutError:
            raise TimeoutError(
                f"{reader.name} was not asked {step.input_type} within {step.timeout:g} s: it is {reader.status}"
            ) from None
        await self._clock.sleep(step.after / self._pace)
        await reader.answer(step.input_type, step.action, dict(step.payload))

    async def _pause(self, step: steps.Pause) -> None:
        await self._reader(step.reader).pause()

    async def _resume(self, step: steps.Resume) -> None:
        await self._reader(step.reader).resume()

    async def _acknowledge(self, step: steps.Acknowledge) -> None:
        await self._reader(step.reader).acknowledge()

    async def _disconnect(self, step: steps.Disconnect) -> None:
        reader = self._reader(step.reader)
        self._recorder.record("nemesis", "disconnect", {"reader": reader.name, "process_id": reader.process_id})
        await reader.drop()

    async def _leave(self, step: steps.Leave) -> None:
        await self._reader(step.reader).leave()

    async def _wait(self, step: steps.Wait) -> None:
        await self._clock.sleep(step.seconds / self._pace)

    async def _settle(self, step: steps.Settle) -> None:
        begun = self._clock.now()
        self._recorder.record("story", "settle", {"timeout": step.timeout}, type="invoke")
        try:
            async with asyncio.timeout(step.timeout):
                while not await self._at_rest():
                    await self._clock.sleep(POLL_S)
        except TimeoutError:
            self._recorder.record("story", "settle", {"timeout": step.timeout}, type="info", error=self._behind())
        else:
            waited = round(self._clock.now() - begun, 3)
            self._recorder.record("story", "settle", {"timeout": step.timeout, "waited": waited})

    async def _together(self, step: steps.Together) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for branch, story in enumerate(step.stories, start=1):
                    group.create_task(self.perform(story, branch=f"{branch}."))
        except* StoryError as stopped:
            first = stopped.exceptions[0]
        else:
            return
        raise first

    async def _at_rest(self) -> bool:
        if not self._backend.application.idle() or not await self._backend.quiet(timeout=POLL_S):
            return False
        ends = {
            process.id: await self._backend.store.last_sequence(process.id) for process in self._cast.processes.values()
        }
        return all(reader.cursor >= ends[reader.process_id] for reader in self._cast.entitled())

    def _behind(self) -> str:
        cursors = ", ".join(f"{reader.name} at {reader.cursor}" for reader in self._cast.entitled())
        return f"not at rest when the time was over; readers: {cursors or 'none'}"

    def _process(self, name: str) -> Process:
        if name not in self._cast.processes:
            raise StoryFault(f"the story has started no process {name!r}")
        return self._cast.processes[name]

    def _reader(self, name: str) -> Subscriber:
        if name not in self._cast.readers:
            raise StoryFault(f"the story has subscribed no reader {name!r}")
        return self._cast.readers[name]

    def _token(self, user: str) -> str:
        secret = self._backend.environment.jwt_secret
        return mint(secret, role=ROLE, sub=user_id(user), wall=self._clock.wall())

    def _http_of(self, user: str) -> HttpClient:
        if user not in self._http:
            self._http[user] = HttpClient(self._backend.environment.app_url, token=self._token(user))
        return self._http[user]


async def _next(story: Iterator[steps.Step]) -> Any:
    return next(story, END)


def _told(step: steps.Step) -> dict[str, Any]:
    fields = ("process", "reader", "to", "user", "event_type", "count", "input_type", "action", "seconds")
    return {name: getattr(step, name) for name in fields if hasattr(step, name)}


def words(error: Exception) -> str:
    """What ended a step: an error of ours in its own words, any other with the place where it was raised."""
    if isinstance(error, HarnessError | TimeoutError):
        return str(error) or type(error).__name__
    places = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(places[-1].filename).name}, line {places[-1].lineno})" if places else ""
    return f"{type(error).__name__}: {error}{where}"
