"""SUBSCRIBED, and then the first events never come.

The join is answered at once, but the server subscribes the channel to changes only seconds later. What is written in
between is sent to nobody. A client that takes the join's reply for readiness never asks for it.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Order, Readiness
from harness.faults import ReadyDelayed
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    slow = ReadyDelayed(seconds=5.0)
    yield gen.start_process("article", owner="alice", simulation=gen.calm())
    yield gen.begin(slow)
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait(1.0)
    yield gen.release("article")
    yield gen.wait_ready("reader")
    yield gen.end(slow)
    yield gen.wait_committed("article", "process_completed")
    yield gen.settle(timeout=20.0)


scenario = Scenario(story=story, checkers=[Accounting(), Readiness(), Order()])

bug = Bug(
    id="B1",
    users_say="SUBSCRIBED, but rows of the next seconds never arrive",
    reports=("supabase-js#1599", "realtime#281", "realtime#282", "realtime-csharp#51"),
    convicted_by=("accounting", "readiness"),
    time_factor=5.0,
)
