"""Steps are values: a story can be listed, compared and told again."""

from collections.abc import Iterator
from dataclasses import FrozenInstanceError

import pytest

from harness import generators as gen
from harness.faults import Cut
from harness.generators.step import Answer, Listen, StartProcess, Step, Together, Wait, WaitFor


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
        gen.sign_in("r"),
        gen.remount("r"),
        gen.listen("ear", {"event": "*"}, user="bob"),
        gen.release("p"),
        gen.emit("p", gen.step_completed("editing")),
        gen.bulk("p", 3),
        gen.begin(Cut(link="r")),
        gen.end(Cut(link="r")),
        gen.sql("select 1"),
        gen.read_back("p"),
        gen.census("after"),
        gen.wait_status("r", "live"),
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


def test_a_listener_listens_on_a_topic_of_its_name_unless_it_is_given_another() -> None:
    binding = {"event": "*", "schema": "public", "table": "process_events"}

    assert gen.listen("ear", binding, binding, user="bob") == Listen(
        listener="ear", topic="ear", bindings=(binding, binding), user="bob", role="authenticated", timeout=30.0
    )
    assert gen.listen("ear", binding, user="bob", topic="room", role="anon", timeout=3.0) == Listen(
        listener="ear", topic="room", bindings=(binding,), user="bob", role="anon", timeout=3.0
    )
