import inspect
from collections.abc import Awaitable, Callable

import pytest

from harness.realtime.channel import Channel
from harness.realtime.feature import Refusal, ask
from tests.unit.realtime.channel_doubles import Heard, a_channel

Question = Callable[[Channel], Awaitable[Refusal] | Refusal]


def soon(answer: Refusal) -> Question:
    async def wait() -> Refusal:
        return answer

    return lambda _: wait()


def now(answer: Refusal) -> Question:
    return lambda _: answer


@pytest.mark.parametrize(
    ("questions", "refusal"),
    [
        ([], None),
        ([None, now(None)], None),
        ([now("a"), now("b")], "a"),
        ([now(None), now("b")], "b"),
    ],
)
def test_what_needs_no_waiting_is_answered_at_once(questions: list[Question | None], refusal: Refusal) -> None:
    assert ask(questions, a_channel(Heard())) == refusal


@pytest.mark.parametrize(
    ("questions", "refusal"),
    [
        ([soon("a"), now("b")], "a"),
        ([soon(None), now("b")], "b"),
        ([now(None), soon(None), None, soon("c"), now("d")], "c"),
        ([soon(None), soon(None)], None),
    ],
)
async def test_the_first_refusal_counts_also_after_waiting(questions: list[Question | None], refusal: Refusal) -> None:
    answer = ask(questions, a_channel(Heard()))

    assert inspect.isawaitable(answer)
    assert await answer == refusal
