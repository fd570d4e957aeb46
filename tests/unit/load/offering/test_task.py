"""What the publishing process is told."""

from datetime import UTC, datetime
from pathlib import Path

from load.offering.share import Share
from load.offering.task import Task
from load.plan import Plan
from tests.unit.load.nowhere import ENVIRONMENT


def test_a_task_is_one_line_and_comes_as_it_was() -> None:
    task = Task(
        plan=Plan(seed=7, generations=3),
        share=Share(worker=1, workers=2),
        environment=ENVIRONMENT,
        began=12.5,
        started=datetime(2026, 1, 1, tzinfo=UTC),
        part=Path("/runs/parts/publishing.jsonl"),
    )

    line = task.line()

    assert "\n" not in line
    assert Task.parse(line) == task
