"""The application under load, in a process of its own: `python -m load.offering.publishing`, told what to do on stdin.

Why not among Locust's users: under gevent's monkey patch asyncio and asyncpg would need a native thread beside the
hub, and the two would take the interpreter from each other; the generator would then be late whenever many deliveries
come. Here one asyncio loop does nothing but say each event at its due time through the real publisher, as one worker
of the application's backend does, and watch what is committed. Each Locust process has one such worker, whose events
only its own readers read: no time is ever compared between two machines.

The first line is the task; then come `prepare` and `begin` for each generation, and `end`, all of them JSON. Each is
answered on stdout, and each event is reported there when it is offered and when its insert is answered. The end of
stdin ends the process. Nothing is kept of a generation when the next one is prepared.
"""

import asyncio
import gc
import json
import os
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import asyncpg

from harness.backends.attached import Attached
from harness.clock import SystemClock
from harness.errors import StoreError
from harness.history import Recorder
from harness.history.store import HistoryWriter
from harness.pipeline.ids import new_id
from harness.tokens import user_id
from load.offering.apps import application, publisher
from load.offering.broadcasting import install
from load.offering.own_commits import OwnCommits
from load.offering.schedule import Due, Source, generation
from load.offering.stamps import STAMP, Stamp, Stamped
from load.offering.task import Task

_Offered = asyncio.Queue[tuple[Due, float, float] | None]
"""Events with when they were due and when they were offered; None is the end."""

_CLOCK: Final = SystemClock()
_QUIET_S: Final = 30.0
_PRIORITY: Final = -10
_LOAD: Final = """
select (select xact_commit from pg_stat_database where datname = current_database()) as commits,
       (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint as wal_bytes
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Script:
    """One writer's process and what is to be said of it."""

    process_id: str
    dues: Sequence[Due]
    sources: Sequence[Source]


class Worker:
    """One worker of the application's backend. `tell` sends a report, `own` is told which processes it writes."""

    def __init__(self, task: Task, backend: Attached, recorder: Recorder, *, tell: "Teller", own: set[str]) -> None:
        self._task = task
        self._backend = backend
        self._recorder = recorder
        self._tell = tell
        self._own = own
        self._rng = Random(f"{task.plan.seed} {secrets.token_hex(8)}")  # ids: those of an earlier run are in the tables
        app = application(task.plan)
        self._publisher = publisher(task.plan, app, backend.store, recorder=recorder, clock=_CLOCK, rng=self._rng)
        self._states = app.states(backend.store, self._publisher, clock=_CLOCK)
        self._generation = 0
        self._scripts: list[_Script] = []

    async def start(self) -> None:
        """What is to be done once, before the first generation."""
        await install(self._task.plan.transport, self._task.environment.db_url)

    async def prepare(self) -> Sequence[Mapping[str, str]]:
        """End the generation before, make the processes of the next one, each of an owner of its own, and write what
        will be said; who they are, in the order of their writers."""
        await self._finish()
        plan, told = self._task.plan, self._generation * self._task.plan.writers
        self._generation += 1
        made: list[Mapping[str, str]] = []
        for number in self._task.share.of(plan.writers):
            process_id, owner = str(new_id(self._rng)), f"owner-{number + 1}"
            owner_id = str(user_id(owner))
            self._own.add(process_id)
            await self._backend.store.create_process(process_id, user_id=owner_id, initial_request={}, at=_CLOCK.wall())
            dues, sources = generation(
                process_id,
                Random(f"{plan.seed} {told + number}"),
                rate=plan.rate,
                seconds=plan.seconds,
                shape=plan.shape,
                begins=self._task.started,
            )
            self._scripts.append(_Script(process_id=process_id, dues=dues, sources=sources))
            process = f"process-{number + 1}" if plan.generations == 1 else f"process-{number + 1}-{self._generation}"
            one = {"process": process, "process_id": process_id, "owner": owner, "owner_id": owner_id}
            self._recorder.record("story", "start_process", one)
            made.append(one)
        _keep_from_collector()  # looking at the texts again and again would make events late
        return made

    async def say_all(self, begin: float) -> Mapping[str, int]:
        """All events at their times after `begin` (of the run); process → last number, when nothing is held back."""
        await self._measure()
        async with asyncio.TaskGroup() as writers:
            for script in self._scripts:
                offered: _Offered = asyncio.Queue()
                writers.create_task(self._offer(script, begin, offered))
                writers.create_task(self._say(script, offered))
        for script in self._scripts:
            await self._publisher.flush(script.process_id)
        await self._measure()
        return {script.process_id: await self._last(script) for script in self._scripts}

    async def close(self) -> None:
        """End the last generation, and the publisher."""
        await self._finish()
        await self._publisher.close()

    async def _finish(self) -> None:
        """Wait for the witness, tell what the tables hold, and forget what was said."""
        if not self._scripts:
            return
        if not await self._backend.quiet(timeout=_QUIET_S):
            why = f"the witness had not read all commits after {_QUIET_S:g} s"
            self._recorder.record("story", "settle", {"timeout": _QUIET_S}, type="info", error=why)
            self._tell({"what": "trouble", "trouble": why})  # commits are missing, which nobody has lost
        for script in self._scripts:
            value = {"process_id": script.process_id, "last_event_sequence": await self._last(script)}
            self._recorder.record("story", "database", value)
            self._publisher.forget(script.process_id)
            self._own.discard(script.process_id)
        self._scripts.clear()

    async def _offer(self, script: _Script, begin: float, offered: _Offered) -> None:
        """Hand out each event when it is due, whatever has become of the one before: no stall may hide itself."""
        sources = list(reversed(script.sources))
        for due in script.dues:
            at = begin + due.at
            await _CLOCK.sleep(at - self._now())
            if sources and sources[-1].at <= due.at:
                self._tell_source(script, sources.pop())
            offered.put_nowait((due, at, self._now()))
        offered.put_nowait(None)

    async def _say(self, script: _Script, offered: _Offered) -> None:
        """One event after another, as one flow does; what waits here is late by its due time."""
        while (handed := await offered.get()) is not None:
            due, at, offered_at = handed
            STAMP.set(Stamp(due=at, offered=offered_at, chars=due.chars))
            try:
                await self._publish(script.process_id, due)
            except StoreError:  # the publisher has recorded which event could not be written, and why
                continue

    async def _publish(self, process_id: str, due: Due) -> None:
        if due.saves is None:
            await self._publisher.publish(process_id, due.data)
        else:
            last = None if due.data is due.saves else due.data
            await self._states.save(process_id, due.saves, last=last)

    def _tell_source(self, script: _Script, source: Source) -> None:
        value = {"section_index": source.section_index, "attempt": 1, "sha256": source.sha256, "chars": source.chars}
        self._recorder.record("app", "source", {"process_id": script.process_id, **value})

    async def _measure(self) -> None:
        """How many transactions and bytes of WAL the database has had so far."""
        connection = await asyncpg.connect(self._task.environment.db_url)
        try:
            row = await connection.fetchrow(_LOAD)
        finally:
            await connection.close()
        assert row is not None, "the query always gives one row"
        self._recorder.record("app", "database_load", dict(row))

    async def _last(self, script: _Script) -> int:
        return await self._backend.store.last_sequence(script.process_id)

    def _now(self) -> float:
        return _CLOCK.now() - self._task.began


class Teller:
    """Lines on stdout, kept in memory while nobody takes them: a slow listener must not make the generator late."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def __call__(self, report: Mapping[str, Any]) -> None:
        self._writer.write(json.dumps(report, separators=(",", ":")).encode() + b"\n")

    async def all_taken(self) -> None:
        await self._writer.drain()


async def main() -> None:
    _go_first()
    # Ctrl-C is for Locust, which then closes our stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lines, tell = await _pipes()
    task = Task.parse((await lines.readline()).decode())
    header = {"scenario": "load", "seed": task.plan.seed, "backend": "attached", "part": "publishing"}
    with HistoryWriter(task.part, header) as writer:
        own: set[str] = set()
        sink = OwnCommits(Stamped(writer, tell), own)
        recorder = Recorder(lambda: _CLOCK.now() - task.began, sinks=(sink,), keep=False)
        backend = Attached(
            task.environment,
            schema="public",
            pace=1.0,
            app=application(task.plan),
            recorder=recorder,
            clock=_CLOCK,
            rng=Random(task.plan.seed),
            started=task.started,
        )
        await backend.start()
        try:
            worker = Worker(task, backend, recorder, tell=tell, own=own)
            await worker.start()
            await _serve(worker, lines, tell)
        finally:
            await backend.stop()
        tell({"what": "ended"})
        await tell.all_taken()


def _go_first() -> None:
    """Where all share a few cores, the generator is to be on time first: else it measures how late it is itself."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    except (AttributeError, OSError):  # Windows, or a user who may not
        return


def _keep_from_collector() -> None:
    """What there is now is not looked at again by the garbage collector; what was kept from it before is."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


async def _serve(worker: Worker, lines: asyncio.StreamReader, tell: Teller) -> None:
    """One command after another, until `end`. A line that comes in mid-work cuts it short: Locust has given up."""
    coming = asyncio.create_task(lines.readline())
    try:
        while command := await coming:
            told = json.loads(command)
            if told["do"] == "end":
                return await worker.close()
            coming = asyncio.create_task(lines.readline())
            doing = asyncio.create_task(_do(worker, told, tell))
            await asyncio.wait({doing, coming}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                doing.cancel()
                await asyncio.gather(doing, return_exceptions=True)
                return
            await doing
    finally:
        coming.cancel()


async def _do(worker: Worker, command: Mapping[str, Any], tell: Teller) -> None:
    match command["do"]:
        case "prepare":
            tell({"what": "prepared", "processes": list(await worker.prepare())})
        case "begin":
            tell({"what": "said", "last": await worker.say_all(command["at"])})


async def _pipes() -> tuple[asyncio.StreamReader, Teller]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout)
    return reader, Teller(asyncio.StreamWriter(transport, protocol, None, loop))


if __name__ == "__main__":
    asyncio.run(main())
