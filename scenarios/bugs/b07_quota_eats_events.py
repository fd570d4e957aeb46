"""Somebody else's import uses up the quota, and my article stops.

The server counts changes per second for the whole project and drops what is above, without a word. A burst of another
process is enough.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Order
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm(chunks=40))
    yield gen.start_process("import", owner="bob", simulation=gen.simulation(scripted=True))
    yield gen.subscribe("reader", to="article", user="alice")
    # Each change counts once for every subscriber: with five, the quota is reached however slowly rows are inserted.
    importers = [f"importer-{number}" for number in range(1, 6)]
    for importer in importers:
        yield gen.subscribe(importer, to="import", user="bob")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    for importer in importers:
        yield gen.wait_ready(importer)
    yield gen.release("article")
    for _ in range(5):
        yield gen.bulk("import", 400)
        yield gen.wait(1.0)
    yield gen.wait_committed("article", "process_completed")
    yield gen.settle(timeout=90.0)


scenario = Scenario(story=story, checkers=[Accounting(), Order()])

bug = Bug(
    id="B7",
    users_say="under the load of another process, rows of mine vanish",
    reports=("supabase-selfhost-ops#153", "realtime#843", "realtime#1691"),
    convicted_by=("accounting",),
    limits="selfhost",
    cadence="real",
    time_factor=5.0,
)
