"""After the first reconnect the page is deaf.

The client joins its channels again, but the join it sends has lost what it asked for: the server takes it and has
nothing to send. The page shows connected.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Canary
from harness.faults import Cut
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm(chunks=40, chunk_interval_s=2.0))
    yield gen.subscribe("reader", to="article", user="alice", variant="rejoin_without_bindings")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.release("article")
    yield gen.wait_for("reader", "section_chunk", count=3)
    yield gen.begin(Cut(link="reader"))
    yield gen.end(Cut(link="reader"))
    yield gen.wait_committed("article", "process_completed", timeout=240.0)
    yield gen.settle(timeout=90.0)


scenario = Scenario(story=story, checkers=[Canary(within=60.0), Accounting()])

bug = Bug(
    id="B4",
    users_say="after a reconnect no change ever comes again",
    reports=("realtime-py#213", "realtime-py#258", "supabase-swift#585", "supabase-flutter#568", "supabase-kt#1181"),
    accused="as-specified, with a client that rejoins without its bindings (realtime-py#213); the reference has it too",
    convicted_by=("canary", "accounting"),
    time_factor=15.0,
)
