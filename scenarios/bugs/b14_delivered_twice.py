"""Every paragraph is there twice.

Under some versions, and with two roles connected, each change is sent twice. An event that is applied again must not
change anything.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Content, Duplicates, Order
from harness.faults import Duplicate
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm())
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.begin(Duplicate(link="reader"))
    yield gen.release("article")
    yield gen.wait_committed("article", "process_completed")
    yield gen.settle(timeout=20.0)


scenario = Scenario(story=story, checkers=[Duplicates(), Content(), Order()])

bug = Bug(
    id="B14",
    users_say="each event arrives twice; text is doubled",
    reports=("realtime#236", "realtime#287", "realtime-py#315", "supabase-js#1721"),
    convicted_by=("duplicates", "content"),
    time_factor=3.0,
)
