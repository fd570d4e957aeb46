"""The user pauses while text streams and while a question is open, and resumes each time.

Between pause and resume nothing of the work may arrive; resuming goes on at the step that was named, and asks an
open question again.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.checkers import Accounting, Content, Convergence, Order
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process(
        "article", owner="alice", simulation=gen.simulation(sections=2, images=1, chunk_interval_s=2.0)
    )
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.answer_question("reader", "SELECT_PERSONA")
    yield gen.wait_for("reader", "user_input_required", count=2)
    yield gen.pause("reader")
    yield gen.wait_for("reader", "process_paused")
    yield gen.wait(rng.uniform(2.0, 5.0))
    yield gen.resume("reader")
    yield from gen.answer_all("reader", questions=gen.QUESTIONS[1:])
    yield gen.wait_for("reader", "section_chunk", count=3)
    yield gen.pause("reader")
    yield gen.wait_for("reader", "process_paused", count=2)
    yield gen.wait(rng.uniform(2.0, 5.0))
    yield gen.resume("reader")
    yield gen.wait_for("reader", "process_completed")
    yield gen.settle()


scenario = Scenario(story=story, checkers=[Accounting(), Order(), Content(), Convergence()])
