"""The user asks for other proposals, edits one and skips a question.

`regenerate`, `edit` and `skip` of the additional actions: each is answered by `user_input_received`, and a
regenerated question comes again with new options.
"""

from collections.abc import Iterator
from random import Random

from harness import Scenario
from harness import generators as gen
from harness.checkers import Accounting, Content, Convergence, Order
from harness.generators import Step


def story(rng: Random) -> Iterator[Step]:
    yield gen.start_process("article", owner="alice", simulation=gen.simulation(sections=1, images=0))
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.answer("reader", "SELECT_PERSONA", action="regenerate", after=rng.uniform(0.5, 2.0))
    yield gen.answer("reader", "SELECT_PERSONA", payload={"selected_index": 1})
    yield gen.answer(
        "reader", "SELECT_THEME", action="edit", payload={"selected_index": 0, "title": "札幌の冬と暮らす家づくり"}
    )
    yield gen.answer("reader", "APPROVE_PLAN", action="skip")
    yield gen.answer("reader", "APPROVE_OUTLINE", action="approve")
    yield gen.wait_for("reader", "process_completed")
    yield gen.settle()


scenario = Scenario(story=story, checkers=[Accounting(), Order(), Content(), Convergence()])
