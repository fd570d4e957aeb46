"""The table was away for a minute; the page never recovers.

It is taken from the publication and put back. Channels get one system error, and stay dead after it is back.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Canary, ErrorsSurfaced
from harness.faults import TableUnpublished
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm(chunks=45, chunk_interval_s=3.0))
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.release("article")

    yield gen.wait_for("reader", "section_chunk", count=3)
    away = TableUnpublished()
    yield gen.begin(away)
    yield gen.wait(70.0)
    yield gen.end(away)
    yield gen.wait_committed("article", "process_completed", timeout=400.0)
    yield gen.settle(timeout=90.0)


scenario = Scenario(story=story, checkers=[Canary(within=60.0), ErrorsSurfaced(), Accounting()])

bug = Bug(
    id="B27",
    users_say="one error, and the channel is dead though the table is back",
    reports=("recording p13",),
    convicted_by=("canary", "errors_surfaced"),
    time_factor=20.0,
)
