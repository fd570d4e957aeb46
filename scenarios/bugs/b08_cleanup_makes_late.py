"""Every night at two the pages lag.

The cleanup job deletes months of events in one statement. Every deleted row goes through the one poller that all
changes go through, and what users wait for waits behind them.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Latency, Order, Staleness
from harness.generators import Step

EVERYTHING = {"event": "*", "schema": "public", "table": "process_events"}
OLD_EVENTS = """
insert into {schema}.process_events (process_id, event_type, event_sequence, created_at, event_category)
select '{old}', 'heartbeat', n, now() - interval '100 days', 'process' from generate_series(1, 40000) as n
"""


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("old", owner="bob", simulation=gen.simulation(scripted=True))
    yield gen.sql(OLD_EVENTS)
    yield gen.wait(4.0)
    yield gen.listen("dashboard", EVERYTHING, user="bob")
    yield gen.start_process("article", owner="alice", simulation=gen.calm(chunks=35, chunk_interval_s=0.25))
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.release("article")

    yield gen.wait_for("reader", "section_chunk", count=3)
    yield gen.clean_up()
    yield gen.wait_committed("article", "process_completed")
    yield gen.settle(timeout=60.0)


scenario = Scenario(story=story, checkers=[Latency(p99=1.0), Staleness(within=1.5), Order()])

bug = Bug(
    id="B8",
    users_say="events come many seconds late, at night above all",
    reports=("realtime#81", "realtime docs: performance"),
    convicted_by=("latency", "staleness"),
    time_factor=1.0,
)
