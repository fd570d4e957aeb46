"""A stranger's filter silences everybody.

The server accepts a filter on an array column and then fails at every change of that table: the batch and the slot are
lost for all subscribers, as long as that one stays.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Order
from harness.faults import PoisonFilter
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm(chunks=30))
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(8.0)
    yield gen.release("article")

    yield gen.wait_for("reader", "section_chunk", count=3)
    poison = PoisonFilter()
    yield gen.begin(poison)
    yield gen.wait(10.0)
    yield gen.end(poison)
    yield gen.wait_committed("article", "process_completed")
    yield gen.settle(timeout=120.0)


scenario = Scenario(story=story, checkers=[Accounting(), Order()])

bug = Bug(
    id="B25",
    users_say="suddenly no client of the project gets anything",
    reports=("recording p16",),
    convicted_by=("accounting",),
    cadence="real",
    time_factor=5.0,
)
