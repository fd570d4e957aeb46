"""The input that nobody has to bring: what the simulated application says while it generates one article."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any, Final

from harness.clock import Clock, VirtualClock, run_virtual
from harness.events.types import EventData, StateUpdated
from harness.history import Recorder
from harness.lab.input import Input, Saying
from harness.pipeline.app import Write
from harness.pipeline.flow import Flow
from harness.pipeline.flow_options import FlowOptions
from harness.pipeline.ids import new_id
from harness.pipeline.store import Content

CHUNKS_PER_S: Final = 20.0
SECTION_S: Final = 5.0
"""How long a section is streamed."""
_UNEVEN: Final = 0.5


def article(*, seed: int, chunks_per_s: float = CHUNKS_PER_S) -> Input:
    """What the flow of `pipeline` says of one article with three sections, whose chunks come at that rate.

    Texts and ids are those of the seed. The pauses between two events vary by half around what the flow keeps, as
    those of a language model do: an even beat would meet the debouncers' intervals always at the same point.
    """
    rng = Random(seed)
    options = FlowOptions(
        ask=False,
        sections=3,
        chunks=max(1, round(chunks_per_s * SECTION_S)),
        chunk_interval_s=1 / chunks_per_s,
        images=6,
        research_queries=6,
        heartbeat_s=5.0,
        step_s=0.5,
        query_s=0.1,
        image_s=0.05,
    )
    sayings = run_virtual(_told(options, rng))
    name = f"one generated article, {chunks_per_s:g} chunks a second, seed {seed}"
    return Input(name=name, sayings=tuple(_unevenly(sayings, rng)))


async def _told(options: FlowOptions, rng: Random) -> Sequence[Saying]:
    clock = VirtualClock()
    notebook = _Notebook(clock)
    process_id = str(new_id(rng))
    flow = Flow(
        process_id,
        initial_request={},
        options=options,
        publisher=notebook,
        states=notebook,
        clock=clock,
        rng=Random(rng.getrandbits(64)),
        ids=Random(rng.getrandbits(64)),
        recorder=Recorder(clock.now),
    )
    await flow.run()
    return notebook.sayings


def _unevenly(sayings: Sequence[Saying], rng: Random) -> Iterator[Saying]:
    at = 0.0
    yield replace(sayings[0], at=at)
    for earlier, later in pairwise(sayings):
        at += (later.at - earlier.at) * rng.uniform(1 - _UNEVEN, 1 + _UNEVEN)
        yield replace(later, at=at)


class _Notebook:
    """Publisher and state saver of a flow: takes down what is said, at once."""

    def __init__(self, clock: Clock) -> None:
        self.sayings: list[Saying] = []
        self._clock = clock

    async def publish(self, process_id: str, data: EventData, *, write: Write | None = None) -> None:
        self._note(process_id, data, saved=write is not None)

    async def publish_at_once(self, process_id: str, events: Sequence[EventData]) -> None:
        for data in events:
            self._note(process_id, data, saved=True)

    async def save(
        self,
        process_id: str,
        facts: StateUpdated,
        *,
        more: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        last: EventData | None = None,
    ) -> None:
        self._note(process_id, facts if last is None else last, saved=True)

    async def save_content(self, content: Content) -> None:
        """No event tells of it."""

    async def flush(self, process_id: str) -> None:
        """Nothing is held back."""

    def forget(self, process_id: str) -> None:
        """Nothing is kept beside what was said."""

    def held(self) -> Mapping[str, int]:
        return {"keys": 0, "pending": 0, "timers": 0}

    async def close(self, *, grace: bool = True) -> None:
        """There is nothing to end."""

    def _note(self, process_id: str, data: EventData, *, saved: bool) -> None:
        self.sayings.append(Saying(at=self._clock.now(), process_id=process_id, data=data, saved=saved))
