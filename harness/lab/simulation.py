"""Says an input to an application's own publisher in simulated time: its history, and the rows that it wrote."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from random import Random
from typing import Any, Final

from harness.clock import VirtualClock, run_virtual
from harness.events.event import text_hash
from harness.events.types import SectionChunk
from harness.history import History, Recorder
from harness.lab.input import Input, Saying
from harness.lab.rows import READER, Row, Rows
from harness.lab.text import joined, letters
from harness.pipeline.app import EventPublisher
from harness.pipeline.as_specified.publisher import SpecifiedPublisher
from harness.pipeline.policies import policy_named
from harness.pipeline.policies.policy import Policy
from harness.pipeline.publisher import ACTOR, Publisher

AS_SPECIFIED: Final = "as-specified"
POLICY_NAMES: Final = ("off", AS_SPECIFIED, "latest-wins", "concatenate", "per-entity", "lossless")
WRITE_SPREAD: Final = 0.5
"""The sigma of the lognormal distribution of write times: p99 is 3.2 times the median."""

SAYING_S: Final = 1e-6
"""What it takes to say an event: simulated time stands still otherwise, and no two are said at the same instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of an input. `last_at` is when the last event was said or written."""

    given: Input
    history: History
    rows: Sequence[Row]
    last_at: float


def simulate(given: Input, policy: str | Policy, *, interval_s: float, write_s: float, seed: int) -> Trial:
    """Say the input to the publisher that has this policy, with `interval_s` for its least interval.

    One worker, and one task a process, which says an event when it is due and the one before it has been taken: an
    application that waits for a slow database falls behind. `write_s` is the median time of a write. The same
    arguments give the same trial. Raises `UsageError` for a policy that there is not.
    """
    return run_virtual(_trial(given, policy, interval_s=interval_s, write_s=write_s, rng=Random(seed)))


async def _trial(given: Input, policy: str | Policy, *, interval_s: float, write_s: float, rng: Random) -> Trial:
    clock = VirtualClock()
    recorder = Recorder(clock.now)
    writing = Random(rng.getrandbits(64))
    rows = Rows(clock=clock, recorder=recorder, write_s=_write_times(write_s, writing))
    publisher: EventPublisher
    if policy == AS_SPECIFIED:
        publisher = SpecifiedPublisher(rows, recorder=recorder, clock=clock, rng=rng, min_interval=interval_s)
    else:
        publisher = Publisher(rows, recorder, clock, rng, policy=_policy(policy), min_interval=interval_s)
    processes = given.by_process()
    _tell_audience(recorder, processes)
    saves_together = isinstance(publisher, Publisher)  # the specification writes the state row before, by itself
    async with asyncio.TaskGroup() as group:
        for process_id, sayings in processes.items():
            group.create_task(_say(process_id, sayings, publisher, rows if saves_together else None, clock))
    _tell_views(recorder, processes, rows.rows)
    last_at = clock.now()
    await publisher.close()
    return Trial(given=given, history=History(recorder.ops()), rows=rows.rows, last_at=last_at)


def _write_times(median_s: float, rng: Random) -> Callable[[], float]:
    if median_s <= 0:
        return lambda: 0.0
    return lambda: rng.lognormvariate(log(median_s), WRITE_SPREAD)


def _policy(policy: str | Policy) -> Policy:
    return policy_named(policy) if isinstance(policy, str) else policy


async def _say(
    process_id: str, sayings: Iterable[Saying], publisher: EventPublisher, saving: Rows | None, clock: VirtualClock
) -> None:
    for saying in sayings:
        await clock.sleep(max(saying.at - clock.now(), SAYING_S))
        together = saving.insert_event if saving is not None and saying.saved else None
        await publisher.publish(process_id, saying.data, write=together)
    await publisher.flush(process_id)


def _tell_audience(recorder: Recorder, processes: Mapping[str, Sequence[Saying]]) -> None:
    """Who hears of it, and what is going to be written: the history's ops `subscribe` and `source`."""
    for process_id, sayings in processes.items():
        whole = {"process_id": process_id, "user": READER, "user_id": None, "role": "service_role", "client": "none"}
        recorder.record(READER, "subscribe", whole)
        for (_, section, attempt), text in letters(said_chunks(process_id, sayings)).items():
            source = {"process_id": process_id, "section_index": section, "attempt": attempt}
            recorder.record(ACTOR, "source", {**source, **_digest(joined(text))})


def _tell_views(recorder: Recorder, processes: Mapping[str, Sequence[Saying]], rows: Sequence[Row]) -> None:
    """What somebody sees in the end who has nothing but the streamed chunks."""
    found = letters(published_chunks(rows))
    for process_id in processes:
        attempts = {section: text for (owner, section, _), text in sorted(found.items()) if owner == process_id}
        sections = [{"section_index": section, **_digest(joined(text))} for section, text in attempts.items()]
        recorder.record(READER, "view", {"process_id": process_id, "stale": False, "sections": sections})


def said_chunks(process_id: str, sayings: Iterable[Saying]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Process and data of each chunk that was said."""
    return (
        (process_id, saying.data.model_dump(include={"section_index", "attempt", "offset", "html_chunk"}))
        for saying in sayings
        if isinstance(saying.data, SectionChunk)
    )


def published_chunks(rows: Iterable[Row]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Process and data of each chunk that was written."""
    return ((row.process_id, row.event_data) for row in rows if row.event_type == SectionChunk.event_type)


def _digest(text: str) -> Mapping[str, Any]:
    return {"sha256": text_hash(text), "chars": len(text)}
