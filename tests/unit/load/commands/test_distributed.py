"""What a load by several processes writes: nothing is brought up."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from load import __main__ as load
from load.commands import distributed
from load.commands.stack import LoadedStack
from load.judging.judged import Judged
from load.plan import Plan


def test_the_figures_are_written_for_ci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(plan: Plan, folder: Path, stack: LoadedStack, *, workers: int) -> Judged:
        return Judged(plan=plan, figures={"events offered": workers}, checked={}, claims={})

    @contextmanager
    def fresh_stack(*, cadence: str) -> Iterator[LoadedStack]:
        yield LoadedStack(file=Path("none"), pid=0)

    monkeypatch.setattr(distributed, "run", run)
    monkeypatch.setattr(distributed, "fresh_stack", fresh_stack)

    code = load.main(["distributed", "--workers=3", f"--runs={tmp_path}"])

    folder = tmp_path / "latest"
    assert code == 2
    assert (folder / "figures.csv").read_text().splitlines() == [
        "figure,lossless",
        "events offered,3",
        "verdict,unknown",
    ]
    assert (folder / "summary.md").exists()
