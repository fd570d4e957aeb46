"""What `python -m load knee` tries, writes and says: nothing is brought up."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from harness.checkers.checker import Valid, Verdict
from harness.errors import StackError, UsageError
from load import __main__ as load
from load.commands import knee, running
from load.commands.stack import LoadedStack
from load.judging.figures import DELIVERY_P50, DELIVERY_P99, LAG_P99, OFFERED, PER_S
from load.judging.judged import RESULT, Judged
from load.plan import Plan

BREAKS = 2
"""Which of the stacks with the cadence `instant` does not come up."""
CARRIED = 100.0
"""Events per second that the system of these tests carries."""


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Plan]]:
    """The folders and plans of all runs, each against a system that carries `CARRIED`."""
    runs: list[tuple[str, Plan]] = []

    def run(plan: Plan, folder: Path, stack: LoadedStack) -> Judged:
        runs.append((folder.name, plan))
        folder.mkdir(parents=True)
        p99 = 200.0 if plan.writers * plan.rate <= CARRIED else 2000.0
        figures = {OFFERED: plan.writers * plan.rate * plan.seconds, PER_S: 10.0, DELIVERY_P50: 50.0, LAG_P99: 1.0}
        told: dict[str, Any] = {"confidence": {DELIVERY_P99: [p99 - 50, p99 + 50]}}
        (folder / RESULT).write_text(json.dumps(told))
        on_time = {LAG_P99: Verdict(valid=Valid.YES, looked_at=1)}
        return Judged(plan=plan, figures={**figures, DELIVERY_P99: p99}, checked={}, claims=on_time)

    @contextmanager
    def stack(*, cadence: str) -> Iterator[LoadedStack]:
        runs.append((f"stack {cadence}", Plan()))
        if cadence == "instant" and [name for name, _ in runs].count("stack instant") == BREAKS:
            raise StackError("it does not come up")
        yield LoadedStack(file=Path("stack.env"), pid=1)

    monkeypatch.setattr(knee, "run", run)
    monkeypatch.setattr(knee, "fresh_stack", stack)
    monkeypatch.setattr(running, "make_room", lambda plan: None)
    return runs


def test_the_rate_is_raised_until_it_is_too_much_and_the_knee_is_held(
    tmp_path: Path, offered: list[tuple[str, Plan]], capsys: pytest.CaptureFixture[str]
) -> None:
    code = load.main(["knee", "--cadence=instant", "--writers=4", "--from=10", f"--runs={tmp_path}"])

    assert code == 0
    assert [name for name, _ in offered] == [
        "stack instant", "step-01-10", "step-02-20", "step-03-40", "step-04-28.3", "step-05-23.8", "step-06-26",
        "step-07-24.9", "step-08-19.92",
    ]  # fmt: skip
    assert offered[1][1] == Plan(debounce="off", churners=0, storm=0, rate=10.0, seconds=12.0, settle=30.0)
    assert (offered[-1][1].rate, offered[-1][1].seconds) == pytest.approx((0.8 * 24.9, 36.0))
    said = capsys.readouterr()
    assert "The knee is 24.9 events/s of each writer" in said.out
    assert "step 1: rate 10: 40.0/s offered" in said.err


def test_everything_is_written(tmp_path: Path, offered: list[tuple[str, Plan]]) -> None:
    load.main(["knee", "--writers=4", "--from=10", f"--runs={tmp_path}"])

    folder = tmp_path / "latest"
    told = json.loads((folder / "knee.json").read_text())
    assert (told["varied"], told["slo"], told["knee"], told["first_limit"], told["found"]) == (
        "rate", 1.0, 24.9, "delivery p99 over the SLO", True,
    )  # fmt: skip
    assert told["plan"] == asdict(offered[1][1])
    assert told["settings"]["vary"] == "rate"
    assert told["steps"][0]["p99_low"] == 0.15
    assert len((folder / "knee.csv").read_text().splitlines()) == 1 + 7 + 1
    assert "## The knee by rate" in (folder / "summary.md").read_text()


def test_a_search_by_size_raises_the_writers(tmp_path: Path, offered: list[tuple[str, Plan]]) -> None:
    code = load.main(
        ["knee", "--vary=writers", "--rate=2", "--readers=10", "--debounce=lossless", f"--runs={tmp_path}"]
    )

    sizes = [plan.writers for name, plan in offered if name.startswith("step")]
    assert (code, sizes[:6], sizes[-1]) == (0, [2, 4, 8, 16, 32, 64], 39)
    assert {(plan.rate, plan.readers, plan.debounce) for _, plan in offered[1:]} == {(2.0, 10, "lossless")}


def test_the_knee_is_found_again_on_another_stack(
    tmp_path: Path, offered: list[tuple[str, Plan]], capsys: pytest.CaptureFixture[str]
) -> None:
    code = load.main(["knee", "--writers=4", "--from=20", "--to=30", "--repeat=2", f"--runs={tmp_path}"])

    folder = tmp_path / "latest"
    told = json.loads((folder / "knee.json").read_text())
    assert code == 0
    assert [name for name, _ in offered].count("stack real") == 2
    assert (told["difference"], len(told["again"])) == (0.0, 1)
    assert (folder / "search-2" / "knee.csv").exists()
    assert "2 searches on fresh stacks differ by 0.0 %." in capsys.readouterr().out


def test_what_was_found_is_written_where_the_next_stack_does_not_come_up(
    tmp_path: Path, offered: list[tuple[str, Plan]], capsys: pytest.CaptureFixture[str]
) -> None:
    code = load.main(["knee", "--cadence=instant", "--writers=4", "--repeat=2", f"--runs={tmp_path}"])

    told = json.loads((tmp_path / "latest" / "knee.json").read_text())
    said = capsys.readouterr()
    assert (code, told["found"], told["settings"]["repeat"]) == (2, True, 2)
    assert "The knee is 2" in said.out
    assert ", 1 of 2 searches\n" in said.err


def test_there_is_room_for_the_greatest_load_before_anything_is_made(
    tmp_path: Path, offered: list[tuple[str, Plan]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(plan: Plan) -> None:
        raise UsageError(f"no room for {plan.writers} writers")

    monkeypatch.setattr(running, "make_room", refuse)

    code = load.main(["knee", "--vary=writers", "--to=99", f"--runs={tmp_path}"])

    assert (code, offered, list(tmp_path.iterdir())) == (64, [], [])


def test_the_help_tells_the_numbers_that_are_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        load.main(["knee", "--help"])

    told = " ".join(capsys.readouterr().out.split())
    assert "all in all (0)" in told
    assert "missing at the end (30)" in told
    assert "all in all (2)" not in told
    assert not {"--seconds", "--shape", "--generations"} & set(told.split())


@pytest.mark.parametrize("wrong", ["--seconds=9", "--shape=spike", "--generations=2"])
def test_what_a_step_has_of_its_own_is_not_to_be_chosen(wrong: str, offered: list[tuple[str, Plan]]) -> None:
    with pytest.raises(SystemExit) as ended:
        load.main(["knee", wrong])

    assert (ended.value.code, offered) == (64, [])


@pytest.mark.parametrize(
    "wrong",
    [
        ("--rate=20",),
        ("--vary=writers", "--writers=4"),
        ("--from=1",),
        ("--from=0",),
        ("--from=9", "--to=8"),
        ("--to=inf",),
        ("--vary=writers", "--from=1.5"),
        ("--readers=0",),
        ("--slo-ms=0",),
        ("--repeat=0",),
        ("--step-seconds=1",),
    ],
)
def test_a_search_that_cannot_be_is_wrong_usage_before_anything_is_made(
    wrong: tuple[str, ...], tmp_path: Path, offered: list[tuple[str, Plan]], capsys: pytest.CaptureFixture[str]
) -> None:
    code = load.main(["knee", *wrong, f"--runs={tmp_path}"])

    assert (code, offered, list(tmp_path.iterdir())) == (64, [], [])
    assert capsys.readouterr().err.count("\n") == 1
