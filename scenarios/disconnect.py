"""A browser loses its socket while text streams; it comes back and fetches what it missed.

No close frame is sent. What was written meanwhile is not replayed: the reader must rejoin, fetch since its cursor
and apply each event once, in order.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.checkers import Accounting, Content, Convergence, Order
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.simulation(sections=4, chunks=12))
    yield gen.subscribe("steady", to="article", user="alice")
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("steady")
    yield gen.wait_ready("reader")
    yield from gen.answer_all("steady")
    yield gen.wait_for("reader", "section_chunk", count=rng.randint(3, 10))
    yield gen.disconnect("reader")
    yield gen.wait_for("steady", "section_completed", count=2)
    yield gen.disconnect("reader")
    yield gen.wait_for("steady", "process_completed")
    yield gen.wait_for("reader", "process_completed")
    yield gen.settle()


scenario = Scenario(story=story, checkers=[Accounting(), Order(), Content(), Convergence()])
