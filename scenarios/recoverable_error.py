"""Two steps fail and are retried; a section that broke off is written anew.

A recoverable `process_error` is not the end. The second attempt of a section starts its text again, so the browser
must not show the first attempt's words twice.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.checkers import Accounting, Content, Convergence, Order
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    failures = [
        {"step": "researching", "times": 2},
        {"step": "writing_sections", "times": 1, "at_chunk": rng.randint(2, 5)},
    ]
    yield gen.start_process(
        "article", owner="alice", simulation=gen.simulation(sections=2, images=1, failures=failures)
    )
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield from gen.answer_all("reader")
    yield gen.wait_for("reader", "process_completed")
    yield gen.settle()


scenario = Scenario(story=story, checkers=[Accounting(), Order(), Content(), Convergence()])
