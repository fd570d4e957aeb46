"""The laptop wakes up and joins with the token of yesterday.

The token expires while the machine is away. Whoever comes back with it is refused, and again, and again.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Recovery, Tokens
from harness.faults import Offline
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm(chunks=40, chunk_interval_s=2.0))
    yield gen.subscribe("reader", to="article", user="alice", token_ttl=60.0)
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.release("article")
    yield gen.wait_for("reader", "section_chunk", count=3)
    away = Offline(link="reader")
    yield gen.begin(away)
    yield gen.wait(90.0)
    yield gen.end(away)
    yield gen.wait_committed("article", "process_completed", timeout=240.0)
    yield gen.settle(timeout=60.0)


scenario = Scenario(story=story, checkers=[Tokens(), Recovery(within=60.0), Accounting()])

bug = Bug(
    id="B5",
    users_say="after standby the channel errors for ever: token expired",
    reports=("realtime-js#274", "supabase-js#2613", "supabase#16684"),
    convicted_by=("tokens", "recovery"),
    time_factor=15.0,
)
