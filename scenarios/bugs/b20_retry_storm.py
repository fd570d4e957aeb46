"""When the network is back, everybody knocks at once.

All clients lose the server at the same moment and wait by the same table. Without chance in it they come back at the
same moment too: more joins in one second than the 100 that a server or a small plan lets through.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import RetryStorm
from harness.faults import Offline
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm(chunks=30, chunk_interval_s=2.0))
    readers = [f"reader-{number + 1}" for number in range(80)]
    for reader in readers:
        yield gen.subscribe(reader, to="article", user="alice")
    for reader in readers:
        yield gen.wait_ready(reader, timeout=60.0)
    away = Offline(link="*")
    yield gen.begin(away)
    yield gen.wait(40.0)
    yield gen.end(away)
    yield gen.wait(65.0)


scenario = Scenario(story=story, checkers=[RetryStorm(joins_per_s=100, within=60.0)])

bug = Bug(
    id="B20",
    users_say="after an outage everybody joins in the same second, more than the limit",
    reports=("realtime#1691", "Reboot-Launcher#146", "supabase#10819"),
    convicted_by=("retry_storm",),
    time_factor=2.5,
)
