"""The slot is gone for a moment, and so are the rows of that moment.

Any error costs the server its temporary slot. It makes a new one, which begins at now; what was written in between is
sent to nobody, and no channel is told.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Order
from harness.faults import SlotLost
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm(chunks=20, chunk_interval_s=0.5))
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(8.0)
    yield gen.release("article")

    for count in (3, 11, 19, 27):
        yield gen.wait_committed("article", "section_chunk", count=count)
        yield gen.begin(SlotLost())
        yield gen.end(SlotLost())
    yield gen.wait_committed("article", "process_completed")
    yield gen.settle(timeout=90.0)


scenario = Scenario(story=story, checkers=[Accounting(), Order()])

bug = Bug(
    id="B19",
    users_say="after trouble with the replication slot rows are missing",
    reports=("realtime#157", "realtime#154", "supabase#10045", "realtime#482"),
    convicted_by=("accounting",),
    cadence="real",
    time_factor=2.0,
)
