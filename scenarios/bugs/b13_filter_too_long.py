"""A dashboard of a hundred and twenty processes hears of none.

The server keeps each filter in an index whose entries may not be longer than a third of a page. A filter that is longer
is refused after the join was answered; who looks at the answer alone waits for ever.
"""

from collections.abc import Iterator
from random import Random
from uuid import UUID

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import ErrorsSurfaced, Routing
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield from watched(rng, lists=3)


def watched(rng: Random, *, lists: int) -> Iterator[Step]:
    """A dashboard watches 120 processes, one of which is there, by so many filters."""
    yield gen.start_process("article", owner="alice", simulation=gen.calm(sections=1, chunks=3))
    strangers = [str(UUID(int=rng.getrandbits(128))) for _ in range(119)]
    ids = ["{article}", *strangers]
    parts = [ids[place::lists] for place in range(lists)]
    want = {"event": "INSERT", "schema": "public", "table": "process_events"}
    for place, part in enumerate(parts):
        yield gen.listen(
            f"dashboard-{place + 1}", {**want, "filter": f"process_id=in.({','.join(part)})"}, user="alice"
        )
    yield gen.release("article")
    yield gen.wait_committed("article", "process_completed")
    yield gen.wait(2.0)


scenario = Scenario(story=story, checkers=[Routing(), ErrorsSurfaced()])

bug = Bug(
    id="B13",
    users_say="an `in` filter of more than sixty ids: no events, no error",
    reports=("realtime#1670", "realtime#491", "realtime#528"),
    convicted_by=("errors_surfaced",),
    accused="a client that looks at the join's reply alone",
    behaviour=Scenario(story=lambda rng: watched(rng, lists=1), checkers=[ErrorsSurfaced()]),
    time_factor=1.0,
)
