"""After `db reset` the page is connected and deaf.

A migration made the tables anew and forgot to publish them. Channels that stand get one system error at the next look
at the publication, and hear nothing any more.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Canary
from harness.faults import TableUnpublished
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm(chunks=35, chunk_interval_s=3.0))
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.release("article")

    yield gen.wait_for("reader", "section_chunk", count=3)
    lost = TableUnpublished()
    yield gen.begin(lost)
    yield gen.wait(170.0)


scenario = Scenario(story=story, checkers=[Canary(within=60.0), Accounting()])

bug = Bug(
    id="B22",
    users_say="after a migration SUBSCRIBED, but no events",
    reports=("cli#4667", "cli#1075", "supabase#14117", "supabase#12544"),
    convicted_by=("canary",),
    time_factor=20.0,
)
