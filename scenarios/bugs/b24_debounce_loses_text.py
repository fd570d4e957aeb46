"""Words are missing in the middle of sentences.

The debouncer keeps the latest event of a type and forgets the one that waited. For a heartbeat that is right; of a
streamed text it eats whole pieces, and lets the end of a section overtake its last words.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Content, Order, RateBound, Workflow
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    quick = gen.calm(chunks=30, chunk_interval_s=0.03, step_s=0.02, image_s=0.02)
    yield gen.start_process("article", owner="alice", simulation=quick)
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.release("article")
    yield gen.wait_committed("article", "process_completed")
    yield gen.settle(timeout=10.0)


scenario = Scenario(story=story, checkers=[Content(), Order(), Workflow(), RateBound(), Accounting()])

bug = Bug(
    id="B24",
    users_say="pieces of the streamed text are missing or out of place",
    reports=("specification, debouncer (D-1 to D-12)",),
    convicted_by=("content", "order", "workflow"),
    time_factor=1.0,
)
