"""In development the page never updates, in production it does.

React's StrictMode mounts, unmounts and mounts again at once. The second channel has the same topic as the first, and is
closed when the first one's leave is answered.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Routing
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm())
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.release("article")

    yield gen.wait_for("reader", "section_chunk", count=3)
    yield gen.remount("reader")
    yield gen.wait_committed("article", "process_completed")
    yield gen.settle(timeout=20.0)


scenario = Scenario(story=story, checkers=[Routing(), Accounting()])

bug = Bug(
    id="B16",
    users_say="mounted twice, the page is deaf",
    reports=("realtime-js#169", "supabase#7799", "supabase-js#1440", "supabase-js#419"),
    accused="as-specified, with a client that removes channels by topic (realtime-js 2.95)",
    convicted_by=("routing", "accounting"),
    time_factor=3.0,
)
