"""Performs the steps of a story on a stage and records what the story did."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

from harness.clock import within
from harness.errors import HarnessError, StoryError, StoryFault
from harness.generators import step as steps
from harness.performing import behind, page
from harness.performing.stage import Stage
from harness.pipeline.summary import summary

POLL_S: Final = 0.05
END: Final = object()
"""What comes after the last step of a story."""

Result = TypeVar("Result")

PERFORMERS: Mapping[type[Any], Callable[[Stage, Any], Awaitable[None]]] = {
    steps.StartProcess: page.start_process,
    steps.Subscribe: page.subscribe,
    steps.WaitReady: page.wait_ready,
    steps.WaitStatus: page.wait_status,
    steps.WaitFor: page.wait_for,
    steps.Answer: page.answer,
    steps.Pause: page.pause,
    steps.Resume: page.resume,
    steps.Acknowledge: page.acknowledge,
    steps.Disconnect: page.disconnect,
    steps.Leave: page.leave,
    steps.SignIn: page.sign_in,
    steps.Remount: page.remount,
    steps.Listen: page.listen,
    steps.Release: behind.release,
    steps.Emit: behind.emit,
    steps.Bulk: behind.bulk,
    steps.Begin: behind.begin,
    steps.End: behind.end,
    steps.Sql: behind.sql,
    steps.ReadBack: behind.read_back,
    steps.CleanUp: behind.clean_up,
    steps.Census: behind.census,
    steps.Wait: behind.wait,
    steps.WaitCommitted: behind.wait_committed,
}
"""Step → who performs it; what asks the interpreter itself (`Settle`, `Together`) is not among them."""


class Interpreter:
    """Performs one story on a stage whose backend is up and whose tally is a sink of its recorder."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._recorder = stage.recorder

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
        """End the run in an orderly way: faults end, flows stop, readers catch up, tables and views are recorded.

        Raises `StoryError` if that cannot be done; it is then told in the history as a failed step.
        """
        await self._guarded(self._stage.nemesis.close(), "heal", "end")
        await self._guarded(self._finish(timeout), "finish", "end")
        await self.close()

    async def close(self) -> None:
        """End what still holds of faults, close all readers, which record what they show, and all connections.

        What goes wrong, or had ended a reader from inside, is told in the history as a failed step. Safe to call twice.
        """
        await self._ended(self._stage.nemesis.close(), "heal")
        cast = self._stage.cast
        readers, cast.readers = list(cast.readers.values()), {}
        listeners, self._stage.listeners = list(self._stage.listeners.values()), {}
        ends = {one.name: one.close for one in readers} | {one.name: one.close for one in listeners}
        await asyncio.gather(*(self._ended(close(), f"close {name}") for name, close in ends.items()))
        await self._ended(self._stage.close_connections(), "close connections")

    async def _finish(self, timeout: float) -> None:
        await self._stage.backend.application.stop_flows()
        await self._settle(steps.Settle(timeout=timeout))
        for process in self._stage.cast.processes.values():
            self._recorder.record("story", "database", await summary(self._stage.backend.store, process.id))

    async def _perform(self, step: steps.Step, number: str) -> None:
        name = type(step).__name__
        self._recorder.record("story", "step", {"step": name, "number": number, **_told(step)}, type="invoke")
        await self._guarded(self._performed(step), name, number)

    async def _performed(self, step: steps.Step) -> None:
        if isinstance(step, steps.Settle):
            return await self._settle(step)
        if isinstance(step, steps.Together):
            return await self._together(step)
        performer = PERFORMERS.get(type(step))
        if performer is None:
            raise StoryFault(f"{step!r} is no step of harness.generators")
        await performer(self._stage, step)

    async def _guarded(self, work: Awaitable[Result], name: str, number: str) -> Result:
        """The result of a step; whatever it raises is told in the history and comes out as `StoryError`."""
        try:
            return await work
        except StoryError:
            raise
        except Exception as error:
            raise self._stopped(error, name, number) from error

    async def _ended(self, work: Awaitable[None], name: str) -> None:
        """Do it; whatever it raises is told, and nothing else: the rest must be ended, too."""
        try:
            await work
        except Exception as error:
            self._stopped(error, name, "end")

    def _stopped(self, error: Exception, name: str, number: str) -> StoryError:
        reason = words(error)
        self._recorder.record("story", "step", {"step": name, "number": number}, type="fail", error=reason)
        return StoryError(number, name, reason)

    async def _settle(self, step: steps.Settle) -> None:
        clock = self._stage.clock
        begun = clock.now()
        self._recorder.record("story", "settle", {"timeout": step.timeout}, type="invoke")
        try:
            async with within(clock, step.timeout):
                while not await self._at_rest():
                    await clock.sleep(POLL_S)
        except TimeoutError:
            self._recorder.record("story", "settle", {"timeout": step.timeout}, type="info", error=self._behind())
        else:
            waited = round(clock.now() - begun, 3)
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
        backend, cast = self._stage.backend, self._stage.cast
        if not backend.application.idle() or not await backend.quiet(timeout=POLL_S):
            return False
        ends = {process.id: await backend.store.last_sequence(process.id) for process in cast.processes.values()}
        return all(reader.cursor >= ends[reader.process_id] for reader in cast.entitled())

    def _behind(self) -> str:
        cursors = ", ".join(f"{reader.name} at {reader.cursor}" for reader in self._stage.cast.entitled())
        return f"not at rest when the time was over; readers: {cursors or 'none'}"


async def _next(story: Iterator[steps.Step]) -> Any:
    return next(story, END)


def _told(step: steps.Step) -> dict[str, Any]:
    fields = (
        "process", "reader", "listener", "to", "user", "event_type", "count", "input_type", "action", "seconds",
        "label", "status",
    )  # fmt: skip
    return {name: getattr(step, name) for name in fields if hasattr(step, name)}


def words(error: Exception) -> str:
    """What ended a step: an error of ours in its own words, any other with the place where it was raised."""
    if isinstance(error, HarnessError | TimeoutError):
        return str(error) or type(error).__name__
    places = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(places[-1].filename).name}, line {places[-1].lineno})" if places else ""
    return f"{type(error).__name__}: {error}{where}"
