"""A browser opens the page when half of the article is written, another when all is done.

Realtime replays nothing: what was committed before a subscription is ready must come by the backfill.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.checkers import Accounting, Content, Convergence, Order
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice")
    yield gen.subscribe("first", to="article", user="alice")
    yield gen.wait_ready("first")
    yield from gen.answer_all("first")
    yield gen.wait_for("first", "section_chunk", count=rng.randint(3, 15))
    yield gen.subscribe("late", to="article", user="alice")
    yield gen.wait_ready("late")
    yield gen.wait_for("first", "process_completed")
    yield gen.subscribe("after", to="article", user="alice")
    yield gen.wait_for("late", "process_completed")
    yield gen.wait_for("after", "process_completed")
    yield gen.settle()


scenario = Scenario(story=story, checkers=[Accounting(), Order(), Content(), Convergence()])
