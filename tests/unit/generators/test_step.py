"""Steps are values: a story can be listed, compared and told again."""

from collections.abc import Iterator
from dataclasses import FrozenInstanceError

import pytest

from harness import generators as gen
from harness.generators.step import Answer, StartProcess, Step, Together, Wait, WaitFor


def test_the_short_names_make_the_steps_that_they_say() -> None:
    assert gen.start_process("p", owner="alice") == StartProcess(process="p", owner="alice")
    assert gen.wait_for("r", "heartbeat", count=2, timeout=5.0) == WaitFor(
        reader="r", event_type="heartbeat", count=2, timeout=5.0
    )
    assert gen.answer("r", "SELECT_THEME", action="skip") == Answer(
        reader="r", input_type="SELECT_THEME", action="skip", payload={}
    )


@pytest.mark.parametrize(
    "step",
    [
        gen.start_process("p", owner="alice"),
        gen.subscribe("r", to="p", user="alice"),
        gen.wait_ready("r"),
        gen.wait_for("r", "heartbeat"),
        gen.wait_committed("p", "heartbeat"),
        gen.answer("r", "SELECT_THEME"),
        gen.pause("r"),
        gen.resume("r"),
        gen.acknowledge("r"),
        gen.disconnect("r"),
        gen.leave("r"),
        gen.wait(1.0),
        gen.settle(),
        gen.together([gen.wait(1.0)]),
    ],
    ids=lambda step: type(step).__name__,
)
def test_a_step_does_not_change_after_the_fact(step: Step) -> None:
    name = next(iter(step.__dataclass_fields__))

    with pytest.raises(FrozenInstanceError):
        setattr(step, name, "changed")


def test_stories_side_by_side_are_told_whole() -> None:
    def story() -> Iterator[Step]:
        yield gen.wait(1.0)
        yield gen.wait(2.0)

    assert gen.together(story(), [gen.wait(3.0)]) == Together(
        stories=((Wait(seconds=1.0), Wait(seconds=2.0)), (Wait(seconds=3.0),))
    )
