"""Signed in, SUBSCRIBED, and no rows.

The page joins before the session of its user is loaded, as anybody, and row security hides every row from anybody.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, RowSecurity
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm())
    yield gen.subscribe("reader", to="article", user="alice", signed_in=False)
    yield gen.wait(2.0)
    yield gen.release("article")
    yield gen.wait_committed("article", "section_chunk", count=3)
    yield gen.sign_in("reader")
    yield gen.wait_committed("article", "process_completed")
    yield gen.settle(timeout=20.0)


scenario = Scenario(story=story, checkers=[RowSecurity(), Accounting()])

bug = Bug(
    id="B6",
    users_say="SUBSCRIBED, but no rows until the page is reloaded",
    reports=("supabase-js#1304", "realtime-js#278", "supabase-js#1733", "realtime#1332"),
    convicted_by=("row_security",),
    time_factor=5.0,
)
