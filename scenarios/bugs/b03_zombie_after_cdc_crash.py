"""The channel says joined, and nothing ever comes again.

What reads the changes in the server has crashed, and the word of it reaches nobody. Sockets stay open, heartbeats are
answered. Only silence can tell, if something is known to come now and then.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Canary, Order
from harness.faults import CdcCrash
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm(chunks=40, chunk_interval_s=2.0))
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.release("article")

    yield gen.wait_for("reader", "section_chunk", count=3)
    crash = CdcCrash(notify=False)
    yield gen.begin(crash)
    yield gen.wait(100.0)
    yield gen.end(crash)
    yield gen.wait_committed("article", "process_completed")
    yield gen.settle(timeout=90.0)


scenario = Scenario(story=story, checkers=[Canary(within=60.0), Accounting(), Order()])

bug = Bug(
    id="B3",
    users_say="the article stops updating; no error, the channel is joined",
    reports=("realtime#2157", "supabase-js#1720", "supabase#10819", "supabase-py#1034"),
    convicted_by=("canary", "accounting"),
    time_factor=15.0,
)
