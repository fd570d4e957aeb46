import pytest

from harness.checkers import Finding, Resources, Valid, Verdict
from harness.history import Op
from tests.histories.literal import a_history, an_op


def census(label: str, **counts: int) -> Op:
    """`engine_channels=2` is the count `engine.channels`."""
    return an_op("story", "census", label=label, counts={name.replace("_", "."): n for name, n in counts.items()})


def leaks(checker: Resources, *ops: Op) -> list[str]:
    return [finding.detail["count"] for finding in checker.check(a_history(*ops)).findings]


def test_a_count_that_does_not_return_is_convicted() -> None:
    history = a_history(
        census("before", engine_channels=2, app_pending=0), census("after", engine_channels=5, app_pending=0)
    )

    verdict = Resources().check(history)

    assert verdict == Verdict.invalid(
        Finding("leak", history[0:2], {"count": "engine.channels", "before": 2, "after": 5})
    )
    assert verdict.looked_at == 2


@pytest.mark.parametrize(("after", "expected"), [(2, []), (1, []), (3, ["engine.channels"])])
def test_it_may_be_as_it_was_or_less(after: int, expected: list[str]) -> None:
    assert leaks(Resources(), census("before", engine_channels=2), census("after", engine_channels=after)) == expected


def test_a_count_that_there_was_not_before_was_nothing() -> None:
    assert leaks(Resources(), census("before", a=1), census("after", a=1, b=1)) == ["b"]
    assert leaks(Resources(), census("before", a=1, b=3), census("after", a=1)) == []


def test_so_much_more_may_be_tolerated() -> None:
    ops = census("before", a=1, b=1), census("after", a=3, b=4)

    assert leaks(Resources(tolerance=2), *ops) == ["b"]


def test_counts_that_do_not_matter_are_ignored() -> None:
    ops = census("before"), census("after", reader_1_timers=1, engine_links=1)

    assert leaks(Resources(ignore=("reader.*",)), *ops) == ["engine.links"]
    assert leaks(Resources(ignore=("engine.links",)), *ops) == ["reader.1.timers"]


def test_the_first_before_and_the_last_after_are_compared() -> None:
    ops = [census("before", a=1), census("before", a=9), census("after", a=5), census("after", a=1)]

    assert leaks(Resources(), *ops) == []


def test_the_labels_are_the_storys() -> None:
    ops = census("calm", a=1), census("churned", a=2), census("before", a=0), census("after", a=0)

    assert leaks(Resources(before="calm", after="churned"), *ops) == ["a"]


@pytest.mark.parametrize(("label", "missing"), [("before", "after"), ("after", "before")])
def test_without_both_it_is_unknown(label: str, missing: str) -> None:
    assert Resources().check(a_history(census(label, a=1))) == Verdict.unknown(f"the history has no census {missing!r}")


def test_without_a_count_it_is_unknown() -> None:
    assert Resources().check(a_history(census("before"), census("after"))).valid is Valid.UNKNOWN
    assert Resources().check(a_history()).valid is Valid.UNKNOWN
