"""For a second nobody listens, and nobody says so.

The connection with which the server reads changes is cut, by a restart of the database or by an administrator. Sockets
stay; what is written until it stands again is lost.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Order
from harness.faults import PollerKilled
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm(chunks=30, chunk_interval_s=0.5))
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(8.0)
    yield gen.release("article")

    for count in (3, 13, 23):
        yield gen.wait_committed("article", "section_chunk", count=count)
        yield gen.begin(PollerKilled())
        yield gen.end(PollerKilled())
    yield gen.wait_committed("article", "process_completed")
    yield gen.settle(timeout=90.0)


scenario = Scenario(story=story, checkers=[Accounting(), Order()])

bug = Bug(
    id="B28",
    users_say="after a restart of the database some rows never came",
    reports=("recordings p13, p13c",),
    convicted_by=("accounting",),
    cadence="real",
    time_factor=2.0,
)
