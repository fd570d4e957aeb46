"""After an update of PostgreSQL: subscribed, and nothing.

The database refuses the output plugin, the server says "Subscribed to PostgreSQL" all the same.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Canary
from harness.faults import PluginRefused
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    refused = PluginRefused()
    yield gen.start_process("article", owner="alice", simulation=gen.calm(chunks=25, chunk_interval_s=3.0))
    yield gen.begin(refused)
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(8.0)
    yield gen.release("article")
    yield gen.wait_committed("article", "process_completed", timeout=300.0)
    yield gen.end(refused)
    yield gen.settle(timeout=90.0)


scenario = Scenario(story=story, checkers=[Canary(within=60.0), Accounting()])

bug = Bug(
    id="B26",
    users_say="Subscribed to PostgreSQL, but never a row",
    reports=("real server with PostgreSQL 15.20 (realtime-facts 11.13)",),
    convicted_by=("canary", "accounting"),
    cadence="real",
    time_factor=20.0,
)
