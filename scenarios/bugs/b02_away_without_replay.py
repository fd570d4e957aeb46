"""What happened while the browser was away is never sent.

The network goes for a while, as it does behind a closed lid or in a tunnel, and the client comes back by itself.
Nobody replays what was written meanwhile: it must be fetched.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Convergence, Order, Recovery
from harness.faults import Offline
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm(chunks=15))
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.release("article")

    yield gen.wait_for("reader", "section_chunk", count=3)
    away = Offline(link="reader")
    yield gen.begin(away)
    yield gen.wait(rng.uniform(4.0, 6.0))
    yield gen.end(away)
    yield gen.wait_committed("article", "process_completed")
    yield gen.settle(timeout=20.0)


scenario = Scenario(story=story, checkers=[Accounting(), Recovery(within=15.0), Convergence(), Order()])

bug = Bug(
    id="B2",
    users_say="back from the background, a piece of the article is missing",
    reports=("realtime-js#121", "supabase-kt#255", "flarum#4717", "supabase-flutter#388"),
    convicted_by=("accounting", "recovery", "convergence"),
    time_factor=5.0,
)
