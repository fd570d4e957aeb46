"""What the comparison of the transports makes of two runs, without any."""

import csv
import io
import json
from pathlib import Path

import pytest

from harness.checkers.checker import Valid, Verdict
from harness.errors import StackError, UsageError
from load.commands import side_by_side
from load.commands.side_by_side import Compared, advised, document, summary, told
from load.commands.stack import LoadedStack
from load.judging.figures import DELIVERY_P99, WAL
from load.judging.judged import Judged
from load.judging.knee import Knee, Search, Step
from load.judging.recommendation import CEILING, recommend
from load.plan import Plan

FINE = Verdict(valid=Valid.YES, looked_at=1)
LATE = Verdict.unknown("it is 40, and must be at most 10")


def judged(transport: str, *, p99: float, wal: float, claim: Verdict = FINE) -> Judged:
    figures = {DELIVERY_P99: p99, WAL: wal}
    return Judged(plan=Plan(transport=transport), figures=figures, checked={}, claims={"generator lag": claim})


def both(claim: Verdict = FINE, knee: Knee | None = None) -> tuple[Compared, Compared]:
    changes = judged("postgres_changes", p99=500.0, wal=40.0)
    broadcast = judged("broadcast", p99=20.0, wal=80.0, claim=claim)
    return Compared(judged=changes, sure={}, knee=knee), Compared(judged=broadcast, sure={}, knee=knee)


def step(value: float, *limits: str) -> Step:
    return Step(
        value=value,
        offered=3 * value,
        delivered=9 * value,
        p50=0.01,
        p99=0.1,
        p99_low=0.1,
        p99_high=0.1,
        limits=limits,
        bound="engine",
    )


def a_knee(*steps: Step, held: Step | None = None) -> Knee:
    first = next((each.limits[0] for each in steps if each.limits), None)
    return Knee(varied="rate", slo=1.0, steps=steps, knee=20.0, first_limit=first, held=held or step(16.0))


def test_the_transports_are_told_side_by_side_with_what_follows() -> None:
    one, other = both()

    lines = told((one, other), recommend(one.side, other.side)).splitlines()

    assert lines[2].split() == ["postgres_changes", "broadcast"]
    assert lines[3].split() == ["delivery", "p99", "ms", "500", "20"]
    assert "Take broadcast for this load: delivery p99 20 ms against 500 ms (25.0 ×)." in lines


def test_the_summary_has_the_advice_need_by_need() -> None:
    one, other = both()

    lines = summary((one, other), recommend(one.side, other.side)).splitlines()

    assert "| nothing late | broadcast | delivery p99 20 ms against 500 ms (25.0 ×) |" in lines
    assert "| little WAL | postgres_changes | database WAL 40 kB/s against 80 kB/s (2.0 ×) |" in lines


def test_the_document_has_the_runs_and_the_advice() -> None:
    one, other = both()

    found = json.loads(json.dumps(document((one, other), recommend(one.side, other.side))))

    assert [(run["transport"], run["valid"], run["figures"][WAL]) for run in found["runs"]] == [
        ("postgres_changes", "valid", 40.0),
        ("broadcast", "valid", 80.0),
    ]
    assert "transport" not in found["plan"]
    assert found["recommended"] == "broadcast"
    assert found["advice"][0] == {
        "need": "nothing late",
        "figure": DELIVERY_P99,
        "values": {"postgres_changes": 500.0, "broadcast": 20.0},
        "take": "broadcast",
    }


def test_a_run_that_was_late_has_nothing_recommended() -> None:
    one, other = both(claim=LATE)

    advice = recommend(one.side, other.side)

    assert advice.sentences == ("Cannot be said: broadcast: generator lag: it is 40, and must be at most 10.",)
    assert "| nothing late |" not in summary((one, other), advice)


def test_the_ceiling_is_what_was_offered_at_the_knee() -> None:
    one, _ = both(knee=a_knee(step(10.0), step(20.0), step(21.0, "events lost silently")))

    assert one.figures[CEILING] == 60.0


def test_a_search_that_was_not_ended_by_the_system_found_no_ceiling() -> None:
    one, other = both(knee=a_knee(step(10.0), step(20.0)))

    advice = recommend(one.side, other.side)

    assert one.figures[CEILING] is None
    assert advice.sentences[-1] == "Cannot be said, as it was not measured: ceiling events/s."


def test_a_knee_that_did_not_hold_is_no_ceiling() -> None:
    steps = step(10.0), step(20.0), step(21.0, "events lost silently")

    one, _ = both(knee=a_knee(*steps, held=step(16.0, "backlog grows")))

    assert one.figures[CEILING] is None


def test_both_are_run_with_one_plan_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[Plan] = []

    def run(plan: Plan, folder: Path, stack: LoadedStack) -> Judged:
        plans.append(plan)
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps({"confidence": {DELIVERY_P99: [1.0, 2.0]}}))
        return judged(plan.transport, p99=500.0 if plan.transport == "postgres_changes" else 20.0, wal=40.0)

    monkeypatch.setattr(side_by_side, "run", run)
    monkeypatch.setattr(side_by_side, "fresh_stack", NoStack)

    code = side_by_side.main(["--runs", str(tmp_path), "--writers", "3", "--seed", "7"])

    folder = tmp_path / "latest"
    rows = list(csv.reader(io.StringIO((folder / "figures.csv").read_text())))
    assert code == 0
    assert plans == [
        Plan(transport=each, writers=3, seed=7, debounce="off") for each in ("postgres_changes", "broadcast")
    ]
    assert rows[0] == ["figure", "postgres_changes", "broadcast"]
    assert json.loads((folder / "side-by-side.json").read_text())["runs"][0]["confidence"] == {DELIVERY_P99: [1, 2]}
    assert (folder / "summary.md").exists()
    assert (folder / "junit.xml").exists()


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """The plans of all searches; the second does not come to its end, as its stack does not come up."""
    plans: list[Plan] = []

    def run(plan: Plan, folder: Path, stack: LoadedStack) -> Judged:
        folder.mkdir(parents=True)
        return judged(plan.transport, p99=500.0 if plan.transport == "postgres_changes" else 20.0, wal=40.0)

    def find_knee(search: Search, plan: Plan, stack: LoadedStack, folder: Path, *, vary: str, slo: float) -> Knee:
        plans.append(plan)
        if len(plans) == 2:
            raise StackError("it does not come up")
        return a_knee(step(10.0), step(20.0), step(21.0, "events lost silently"))

    monkeypatch.setattr(side_by_side, "run", run)
    monkeypatch.setattr(side_by_side, "find_knee", find_knee)
    monkeypatch.setattr(side_by_side, "fresh_stack", NoStack)
    return plans


def test_a_search_for_the_ceiling_has_the_steps_of_a_knee(tmp_path: Path, searched: list[Plan]) -> None:
    with pytest.raises(StackError):
        side_by_side.main(["--runs", str(tmp_path), "--ceiling", "--generations=3", "--warm-up=1", "--settle=5"])

    assert searched[0] == Plan(
        transport="postgres_changes", debounce="off", churners=0, storm=0, seconds=12.0, warm_up=1.0, settle=30.0
    )


def test_what_was_found_is_written_where_the_rest_fails(tmp_path: Path, searched: list[Plan]) -> None:
    with pytest.raises(StackError):
        side_by_side.main(["--runs", str(tmp_path), "--ceiling"])

    told = json.loads((tmp_path / "latest" / "side-by-side.json").read_text())
    assert [(run["transport"], run["knee"] is None) for run in told["runs"]] == [
        ("postgres_changes", False),
        ("broadcast", True),
    ]
    assert told["recommended"] == "broadcast"


def test_of_one_transport_alone_nothing_is_recommended() -> None:
    one, _ = both()

    assert advised([one]).sentences == ("Cannot be said: broadcast was not run to the end.",)
    assert told([one], advised([one])).splitlines()[-1] == "Cannot be said: broadcast was not run to the end."


@pytest.mark.parametrize("wrong", [["--writers=0"], ["--slo-ms=0"], ["--slo-ms=nan"], ["--ceiling", "--warm-up=12"]])
def test_wrong_usage_is_told_before_anything_is_made(wrong: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        side_by_side.main(["--runs", str(tmp_path / "runs"), *wrong])

    assert not (tmp_path / "runs").exists()


class NoStack:
    """In place of `fresh_stack`."""

    def __init__(self, *, cadence: str) -> None:
        self.cadence = cadence

    def __enter__(self) -> LoadedStack:
        return LoadedStack(file=Path("nowhere"), pid=1)

    def __exit__(self, *_: object) -> None:
        """Nothing came up."""
