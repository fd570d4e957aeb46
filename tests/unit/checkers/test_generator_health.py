from dataclasses import replace

import pytest

from harness.checkers import GeneratorHealth, Valid, Verdict
from harness.history import Op, Value
from tests.histories.literal import a_history, emitted


def said(sequence: int, *, due: float, late: float) -> Op:
    op = emitted(sequence, at=due + late)
    return replace(op, value=Value({**op.value, "due": due}))


def test_a_generator_that_was_late_makes_the_run_unknown() -> None:
    history = a_history(*(said(number, due=float(number), late=0.002) for number in range(9)), said(9, due=9, late=0.5))

    assert GeneratorHealth().check(history) == Verdict.unknown(
        "the load was not offered on time: of 10 events the 99th percentile was emitted 500.0 ms late, the worst "
        "500.0 ms, and 10.0 ms are allowed"
    )


def test_one_late_event_in_a_hundred_is_none() -> None:
    on_time = [said(number, due=float(number), late=0.002) for number in range(99)]

    verdict = GeneratorHealth().check(a_history(*on_time, said(99, due=99, late=0.5)))

    assert verdict == Verdict.of([], looked_at=100)
    assert verdict.looked_at == 100


@pytest.mark.parametrize(("late", "valid"), [(-0.5, Valid.YES), (0.0625, Valid.YES), (0.125, Valid.UNKNOWN)])
def test_the_limit_is_a_parameter(late: float, valid: Valid) -> None:
    assert GeneratorHealth(p99_s=0.0625).check(a_history(said(1, due=1.0, late=late))).valid is valid


def test_events_that_were_not_due_at_any_time_say_nothing() -> None:
    assert GeneratorHealth().check(a_history(emitted(1, at=1.0))) == Verdict.unknown(
        "the history has nothing that this checker looks at"
    )
    assert GeneratorHealth().check(a_history()).valid is Valid.UNKNOWN
