"""`harness plan`: what it measures, prints and refuses."""

import json
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.plan import Bound
from harness.planning import PlanRequest, plan, sentence

HISTORIES = Path(__file__).parents[1] / "histories"


def a_bound(limit: str, generations: int | None) -> Bound:
    return Bound(limit=limit, generations=generations, allows="", takes="")


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([a_bound("a", 12), a_bound("b", 20)], "12 generations at once: a comes first, then b at 20."),
        ([a_bound("a", 1), a_bound("b", None)], "1 generation at once: a comes first."),
        ([a_bound("a", None)], "No limit: as many generations at once as you like."),
    ],
)
def test_one_sentence_names_what_comes_first(found: list[Bound], told: str) -> None:
    assert sentence(found) == told


def test_a_stated_rate_on_the_free_plan_without_row_security(capsys: pytest.CaptureFixture[str]) -> None:
    plan(PlanRequest(limits="free", events_per_s=5, row_security=False, chunks_per_s=20))

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "plan free: 5 changes a second of each generation, one tab each"
    assert lines[-1] == (
        "12 generations at once: published ceiling, micro, row security off comes first, "
        "then db_events_per_second at 20."
    )


def test_debouncing_makes_room(capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for debounce in ("off", "lossless"):
        plan(PlanRequest(debounce=debounce, chunks_per_s=20, as_json=True))
        found.append(json.loads(capsys.readouterr().out)["generations"])

    assert found[0] < found[1]


def test_the_mix_and_the_largest_row_of_a_recorded_run(capsys: pytest.CaptureFixture[str]) -> None:
    plan(PlanRequest(history=HISTORIES / "clean.jsonl", chunks_per_s=20, as_json=True))

    told = json.loads(capsys.readouterr().out)
    assert told["load"]["changes_per_s"] > 0
    assert told["limits"] == "selfhost"
    assert told["first"] == "db_events_per_second"


def test_our_own_knee_is_one_of_the_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench = tmp_path / "latest.json"
    bench.write_text(json.dumps({"deliveries_per_s": {"1": {"on": 50.0, "off": 60.0}}}))

    plan(PlanRequest(limits="off", events_per_s=5, knee=bench, chunks_per_s=20, as_json=True))

    told = json.loads(capsys.readouterr().out)
    assert told["first"] == "our own knee, row security on"
    assert told["generations"] == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "knee.json cannot be read: No such file"),
        ("no", "is no JSON"),
        ("[]", "has no deliveries_per_s"),
        ("{}", "has no deliveries_per_s"),
    ],
)
def test_a_knee_that_cannot_be_used_is_wrong_usage(tmp_path: Path, text: str | None, told: str) -> None:
    path = tmp_path / "knee.json"
    if text is not None:
        path.write_text(text)

    with pytest.raises(UsageError, match=told):
        plan(PlanRequest(knee=path, chunks_per_s=20))


def test_a_history_that_is_not_there_is_wrong_usage_as_well(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none cannot be read: No such file"):
        plan(PlanRequest(history=tmp_path / "none", chunks_per_s=20))


def test_a_policy_that_there_is_not_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="no debounce policy 'best'"):
        plan(PlanRequest(debounce="best", chunks_per_s=20))
