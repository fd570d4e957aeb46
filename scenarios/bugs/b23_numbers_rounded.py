"""The id in the page is one off.

The browser parses JSON numbers as doubles: an integer above 2^53 becomes its neighbour.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Order, ValueFidelity
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.simulation(scripted=True))
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.emit("article", gen.step_completed("editing", result={"revision": 9007199254740993}))
    yield gen.wait(1.0)
    yield gen.settle(timeout=10.0)
    yield gen.read_back("article")


scenario = Scenario(story=story, checkers=[ValueFidelity(), Order()])

bug = Bug(
    id="B23",
    users_say="large numbers and timestamps differ from what REST gives",
    reports=("supabase-js#1270", "realtime#114"),
    convicted_by=("value_fidelity",),
    time_factor=1.0,
)
