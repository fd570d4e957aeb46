"""A long article arrives without its text.

A change of more than 1 MiB is sent without its large columns, with an error that most clients never look at.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Payload
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm(sections=1, chunks=20, section_chars=400_000))
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.release("article")

    yield gen.wait_committed("article", "process_completed")
    yield gen.settle(timeout=30.0)


scenario = Scenario(story=story, checkers=[Payload(), Accounting()])

bug = Bug(
    id="B10",
    users_say="of long articles the text is missing, or the page throws",
    reports=("realtime#252", "walrus#47", "realtime#119"),
    convicted_by=("payload",),
    time_factor=3.0,
)
