"""A whole article generation, through every event type, watched by two browsers.

Alice asks for an article, answers the questions in her first browser and watches in a second one too. An error on
the way is retried; before the last answer she pauses, and resumes after a heartbeat. Both browsers must have seen
everything, in order, and end with the article that the tables hold.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.checkers import Accounting, Content, Convergence, Order
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process(
        "article",
        owner="alice",
        simulation=gen.simulation(failures=[{"step": "research_synthesizing", "times": 1}]),
    )
    yield gen.subscribe("reader-1", to="article", user="alice")
    yield gen.subscribe("reader-2", to="article", user="alice")
    yield gen.wait_ready("reader-1")
    yield gen.wait_ready("reader-2")
    thinking = rng.uniform(2.0, 4.0)
    yield from gen.answer_all("reader-1", questions=gen.QUESTIONS[:3], after=thinking)
    yield gen.wait_for("reader-1", "user_input_required", count=4)
    yield gen.pause("reader-1")
    yield gen.wait_for("reader-2", "process_paused")
    yield gen.wait_for("reader-2", "heartbeat")
    yield gen.resume("reader-2")
    yield gen.answer_question("reader-1", "APPROVE_OUTLINE", after=thinking)
    yield gen.wait_for("reader-1", "process_completed")
    yield gen.wait_for("reader-2", "process_completed")
    yield gen.acknowledge("reader-1")
    yield gen.settle()


scenario = Scenario(story=story, checkers=[Accounting(), Order(), Content(), Convergence()])
