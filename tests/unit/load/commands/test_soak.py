"""What a soak offers, and what it makes of the memory of a run: nothing is brought up."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.checkers.checker import Valid, Verdict
from load import __main__ as load
from load.commands import soak
from load.commands.soak import memory_of_run, with_memory
from load.commands.stack import LoadedStack
from load.judging.judged import Judged
from load.plan import Plan

Usage = Mapping[str, Sequence[Mapping[str, Any]]]


def usage(*, seconds: int = 120, **growth: float) -> Usage:
    """Of each process a sample a second, from 100 MiB up by so many in all."""
    return {
        process: [{"second": float(at), "cpu": 0.1, "mib": 100 + more * at / seconds} for at in range(seconds)]
        for process, more in growth.items()
    }


def flat(seconds: int) -> Usage:
    return usage(seconds=seconds, engine=1.0, postgres=80.0, locust=2.0, publishing=0.0)


FLAT = flat(120)


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """The plans that would have been run; each is found as expected, and only PostgreSQL has grown."""
    plans: list[Plan] = []

    def run(plan: Plan, folder: Path, stack: LoadedStack) -> Judged:
        plans.append(plan)
        folder.mkdir(parents=True)
        told = {"usage by second": flat(round(plan.generations * plan.seconds))}
        (folder / "result.json").write_text(json.dumps(told))
        return judged(plan)

    @contextmanager
    def fresh_stack(*, cadence: str) -> Iterator[LoadedStack]:
        yield LoadedStack(file=Path("none"), pid=0)

    monkeypatch.setattr(soak, "run", run)
    monkeypatch.setattr(soak, "fresh_stack", fresh_stack)
    return plans


def judged(plan: Plan, valid: Valid = Valid.YES) -> Judged:
    return Judged(plan=plan, figures={"events offered": 1.0}, checked={}, claims={"order": Verdict(valid=valid)})


@pytest.mark.parametrize(
    ("said", "generations", "seconds"),
    [([], 10, 60.0), (["--minutes=2", "--seconds=20"], 6, 20.0), (["--minutes=2.5"], 3, 60.0)],
)
def test_so_many_articles_fill_the_time(
    said: list[str], generations: int, seconds: float, tmp_path: Path, offered: list[Plan]
) -> None:
    code = load.main(["soak", f"--runs={tmp_path}", *said])

    assert (code, offered) == (0, [Plan(generations=generations, seconds=seconds, rate=10.0)])


@pytest.mark.parametrize("wrong", ["--minutes=0", "--minutes=nan", "--seconds=0", "--writers=0"])
def test_a_soak_that_cannot_be_is_wrong_usage(wrong: str, tmp_path: Path, offered: list[Plan]) -> None:
    assert (load.main(["soak", wrong, f"--runs={tmp_path}"]), offered) == (64, [])


def test_what_was_found_is_written(tmp_path: Path, offered: list[Plan], capsys: pytest.CaptureFixture[str]) -> None:
    load.main(["soak", "--minutes=3", f"--runs={tmp_path}"])

    (folder,) = (tmp_path / "soak").glob("*-1")
    told = json.loads((folder / "soak.json").read_text())
    assert told["valid"] == "valid"
    assert {name: each["valid"] for name, each in told["memory"].items()} == {
        "engine": "valid",
        "postgres": "invalid",
        "locust": "valid",
        "publishing": "valid",
    }
    assert "memory of engine flat" in (folder / "junit.xml").read_text()
    assert "memory after the warm-up" in (folder / "summary.md").read_text()
    assert "memory after the warm-up" in capsys.readouterr().out


PLAN = Plan(generations=4, seconds=30.0)


@pytest.mark.parametrize(
    ("told", "valid"),
    [
        (FLAT, Valid.YES),
        ({**FLAT, **usage(engine=20.0)}, Valid.NO),
        ({**FLAT, **usage(locust=20.0)}, Valid.NO),
        (usage(engine=0.0, locust=0.0), Valid.UNKNOWN),
    ],
    ids=["flat", "the engine grows", "the harness grows", "one was not measured"],
)
def test_whose_memory_grows_makes_it_invalid_and_who_was_not_measured_unknown(told: Usage, valid: Valid) -> None:
    assert with_memory(judged(PLAN), memory_of_run(told, PLAN.generations)).valid is valid


def test_flat_memory_does_not_mend_a_run() -> None:
    assert with_memory(judged(PLAN, Valid.NO), memory_of_run(FLAT, PLAN.generations)).valid is Valid.NO
