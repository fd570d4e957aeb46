"""Bob's page hears of Alice's deleted rows.

A DELETE has no row left that a policy could look at, so it goes to everybody who asked for deletes. Who is not to hear
of them must not ask: rows that are only marked as deleted stay protected.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Routing, RowSecurity
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield from deletes(("INSERT", "UPDATE"))


def deletes(wanted: tuple[str, ...]) -> Iterator[Step]:
    """Bob listens for his own events; events of both are written, and Alice's are deleted."""
    yield gen.start_process("alices", owner="alice", simulation=gen.calm(sections=1, chunks=3))
    yield gen.start_process("bobs", owner="bob", simulation=gen.calm(sections=1, chunks=3))
    table = {"schema": "public", "table": "process_events"}
    yield gen.listen("bobs-page", *({**table, "event": event} for event in wanted), user="bob")
    yield gen.subscribe("reader", to="alices", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.release("alices")
    yield gen.release("bobs")
    yield gen.wait_committed("alices", "process_completed")
    yield gen.wait_committed("bobs", "process_completed")
    yield gen.settle()  # a row that is deleted before it is authorised is rightly withheld: no policy sees it
    yield gen.sql("delete from {schema}.process_events where process_id = '{alices}'")
    yield gen.wait(2.0)


scenario = Scenario(story=story, checkers=[Routing(), RowSecurity()])

bug = Bug(
    id="B12",
    users_say="DELETE events of other users arrive, in spite of row security",
    reports=("supabase#4905", "realtime#585", "realtime#397", "walrus#53", "supabase#5495"),
    convicted_by=("row_security",),
    accused="a client that listens to * and trusts row security",
    behaviour=Scenario(story=lambda rng: deletes(("*",)), checkers=[RowSecurity()]),
    time_factor=1.0,
)
