"""The user does not answer: a reminder at half time, then the question expires; a late user goes on.

Expiry is a recoverable `process_error` with `error_type: "input_timeout"`. Resuming asks the question again.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.checkers import Accounting, Content, Convergence, Order
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process(
        "article", owner="alice", simulation=gen.simulation(sections=1, images=0, input_timeout_s=40.0)
    )
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.wait_for("reader", "process_error")
    yield gen.wait(rng.uniform(1.0, 5.0))
    yield gen.resume("reader")
    yield from gen.answer_all("reader")
    yield gen.wait_for("reader", "process_completed")
    yield gen.settle()


scenario = Scenario(story=story, checkers=[Accounting(), Order(), Content(), Convergence()])
