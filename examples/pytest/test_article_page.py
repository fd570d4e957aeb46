"""A team's own tests on the embedded stack: `pytest examples/pytest` (the plugin comes with the package)."""

from harness import generators as gen
from harness.checkers import Accounting, Order, Valid


async def test_a_finished_step_is_shown(publisher, subscriber, history):
    await publisher.start("article", owner="alice")
    reader = await subscriber("article", user="alice")

    await publisher.publish("article", gen.step_completed("editing"))
    state = await reader.until(lambda state: state.steps.get("editing") == "completed")

    assert state.last_event_sequence == 1
    await history.settle()
    assert {name: v.valid for name, v in history.judge(Accounting(), Order()).items()} == dict.fromkeys(
        ("accounting", "order"), Valid.YES
    )


def test_the_page_survives_a_lost_socket(run):
    result = run("disconnect", seed=7, pace=20)

    assert result.valid is Valid.YES, result.explain()
