"""The page says connected for minutes after the network is gone.

Nothing is closed: packets just do not arrive any more. Heartbeats without an answer are the only sign.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Canary, Status
from harness.faults import BlackHole
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm(chunks=60, chunk_interval_s=3.0))
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.release("article")

    yield gen.wait_for("reader", "section_chunk", count=3)
    hole = BlackHole(link="reader")
    yield gen.begin(hole)
    yield gen.wait(150.0)
    yield gen.end(hole)
    yield gen.wait_committed("article", "process_completed", timeout=300.0)
    yield gen.settle(timeout=90.0)


scenario = Scenario(story=story, checkers=[Status(), Canary(within=60.0), Accounting()])

bug = Bug(
    id="B18",
    users_say="is_connected stays true while nothing comes",
    reports=("realtime-py#236", "realtime-js#133", "supabase-js#2625", "supabase-py#1299"),
    convicted_by=("status", "canary"),
    time_factor=20.0,
)
