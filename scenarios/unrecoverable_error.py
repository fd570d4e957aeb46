"""One generation fails for good, another runs out of retries; both say so and end.

An unrecoverable `process_error` is terminal: nothing may follow it, and the browser must show the failure.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.checkers import Accounting, Convergence, Order
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    fatal = gen.simulation(fatal_step="research_synthesizing")
    worn_out = gen.simulation(max_retries=2, failures=[{"step": "keyword_analyzing", "times": 9}])
    yield gen.start_process("fatal", owner="alice", simulation=fatal)
    yield gen.start_process("worn-out", owner="alice", simulation=worn_out)
    yield gen.subscribe("reader-1", to="fatal", user="alice")
    yield gen.subscribe("reader-2", to="worn-out", user="alice")
    yield gen.wait_ready("reader-1")
    yield from gen.answer_all("reader-1", questions=gen.QUESTIONS[:3], after=rng.uniform(0.5, 2.0))
    yield gen.wait_for("reader-1", "process_error")
    yield gen.wait_for("reader-2", "process_error", count=3)
    yield gen.settle()


scenario = Scenario(story=story, checkers=[Accounting(), Order(), Convergence()])
