"""Now and then the context of the article is gone.

A large column that an UPDATE does not touch is not in the WAL, so the row arrives without it.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.bug import Bug
from harness.checkers import Convergence, Payload
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.calm(section_chars=30_000))
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait(2.0)
    yield gen.release("article")

    yield gen.wait_committed("article", "section_chunk", count=20)
    yield gen.wait(1.5)
    yield gen.sql("update {schema}.generated_articles_state set task_priority = 1 where id = '{article}'")
    yield gen.wait_committed("article", "process_completed")
    yield gen.settle(timeout=20.0)


scenario = Scenario(story=story, checkers=[Payload(), Convergence()])

bug = Bug(
    id="B11",
    users_say="randomly a large jsonb column is missing",
    reports=("realtime#223", "supabase#5133", "supabase-flutter#272", "walrus#67"),
    convicted_by=("payload",),
    time_factor=3.0,
)
