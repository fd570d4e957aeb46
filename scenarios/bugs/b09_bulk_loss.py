"""An UPDATE of five thousand rows: some arrive, most do not.

One statement makes more changes than the server lets through in a second. What is above is dropped, without a word.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Order
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.simulation(scripted=True))
    # Each change counts once for every subscriber: four make one UPDATE too much for a minute, on any machine.
    readers = [f"reader-{number}" for number in range(1, 5)]
    for reader in readers:
        yield gen.subscribe(reader, to="article", user="alice")
    for reader in readers:
        yield gen.wait_ready(reader)
    yield gen.wait(8.0)
    for _ in range(2):
        yield gen.bulk("article", 2500)
        yield gen.wait(6.0)
    yield gen.settle(timeout=90.0)


scenario = Scenario(story=story, checkers=[Accounting(), Order()])

bug = Bug(
    id="B9",
    users_say="of a bulk write only a part arrives, or nothing",
    reports=("realtime#269", "realtime#81"),
    convicted_by=("accounting",),
    limits="selfhost",
    cadence="real",
    time_factor=5.0,
)
