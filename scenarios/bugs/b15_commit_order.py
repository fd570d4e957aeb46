"""Number 12 comes before number 11, and 11 is skipped.

Two parts of the application write at once. The one with the lower number commits later, so its row comes later. A
cursor that is the largest number seen has passed it by then.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, CursorSafety, Order
from harness.faults import SlowCommit
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    slow = SlowCommit(seconds=1.0, every=2)
    yield gen.start_process("article", owner="alice", simulation=gen.simulation(scripted=True))
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.begin(slow)
    for number in range(6):
        yield gen.together(
            [gen.emit("article", gen.step_begun(f"step {number}"))],
            [gen.wait(0.1), gen.emit("article", gen.failed("a query took too long"))],
            [gen.wait(0.2), gen.emit("article", gen.researched(number + 1, of=9))],
        )
        yield gen.wait(0.5)
    yield gen.end(slow)
    yield gen.settle(timeout=20.0)


scenario = Scenario(story=story, checkers=[Order(), CursorSafety(), Accounting()])

bug = Bug(
    id="B15",
    users_say="events come in another order than they were numbered",
    reports=("hasura#8632", "realtime#2201", "preset-io/agor#515"),
    convicted_by=("order", "cursor_safety"),
    time_factor=2.0,
)
