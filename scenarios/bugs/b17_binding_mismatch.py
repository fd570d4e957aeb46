"""CHANNEL_ERROR, again and again, and the page says nothing.

The server's answer lists the bindings in another order, or spells a filter in another way. The client compares word by
word, leaves, and tries again.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, ErrorsSurfaced
from harness.faults import Cut, ReplyReordered
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    odd = ReplyReordered(link="reader")
    yield gen.start_process("article", owner="alice", simulation=gen.calm())
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.begin(odd)
    yield gen.begin(Cut(link="reader"))
    yield gen.end(Cut(link="reader"))
    yield gen.release("article")
    yield gen.wait(15.0)
    yield gen.end(odd)
    yield gen.wait_committed("article", "process_completed")
    yield gen.settle(timeout=30.0)


scenario = Scenario(story=story, checkers=[ErrorsSurfaced(), Accounting()])

bug = Bug(
    id="B17",
    users_say="mismatch between server and client bindings, for ever",
    reports=("supabase#10110", "realtime-js#264", "supabase-js#1917"),
    convicted_by=("errors_surfaced",),
    time_factor=5.0,
)
