"""Alice and Bob each generate an article, and Bob tries to watch Alice's.

Row security: Bob's browser on Alice's process must receive nothing, live or by the fetch, and each owner must
receive all of their own.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.checkers import Accounting, Content, Convergence, Order, RowSecurity
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    small = gen.simulation(sections=2, images=1)
    yield gen.start_process("hers", owner="alice", simulation=small)
    yield gen.start_process("his", owner="bob", simulation=small)
    yield gen.subscribe("alice", to="hers", user="alice")
    yield gen.subscribe("bob", to="his", user="bob")
    yield gen.subscribe("spy", to="hers", user="bob")
    yield gen.wait_ready("alice")
    yield gen.wait_ready("bob")
    yield gen.together(
        gen.answer_all("alice", after=rng.uniform(0.5, 2.0)),
        gen.answer_all("bob", after=rng.uniform(0.5, 2.0)),
    )
    yield gen.wait_for("alice", "process_completed")
    yield gen.wait_for("bob", "process_completed")
    yield gen.settle()


scenario = Scenario(story=story, checkers=[Accounting(), Order(), Content(), Convergence(), RowSecurity()])
