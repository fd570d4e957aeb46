"""The longer the application runs, the more it keeps.

Each article leaves something behind in whoever handled it: times, timers, counters. After a few thousand articles that
is memory that never comes back.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Order, Resources
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.census("before")
    for number in range(5):
        article, reader = f"article-{number + 1}", f"reader-{number + 1}"
        yield gen.start_process(article, owner="alice", simulation=gen.calm(sections=1, chunks=2))
        yield gen.subscribe(reader, to=article, user="alice")
        yield gen.wait_ready(reader)
        yield gen.release(article)
        yield gen.wait_committed(article, "process_completed")
        yield gen.wait(1.0)
        yield gen.leave(reader)
    yield gen.wait(40.0)
    yield gen.census("after")


scenario = Scenario(story=story, checkers=[Resources(ignore=("engine.sockets",)), Order()])

bug = Bug(
    id="B21",
    users_say="counters and memory grow and never go back",
    reports=("realtime#2233",),
    convicted_by=("resources",),
    time_factor=10.0,
)
