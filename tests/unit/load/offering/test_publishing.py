"""What the publishing process tells Locust of a generation that does not end as it should."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from harness.history import Op, Recorder
from load.offering.publishing import Worker
from load.plan import Plan
from tests.unit.load.nowhere import a_task

TASK = a_task(Plan(writers=1, debounce="off", seconds=1.0, warm_up=0.0))


class Store:
    async def create_process(self, process_id: str, **columns: Any) -> None: ...

    async def last_sequence(self, process_id: str) -> int:
        return 0


@pytest.mark.parametrize(
    ("reads_all", "told"),
    [
        (True, []),
        (False, [{"what": "trouble", "trouble": "the witness had not read all commits after 30 s"}]),
    ],
)
async def test_a_witness_that_lags_is_a_trouble(reads_all: bool, told: list[Mapping[str, Any]]) -> None:
    async def quiet(*, timeout: float) -> bool:
        return reads_all

    reports: list[Mapping[str, Any]] = []
    ops: list[Op] = []
    backend: Any = SimpleNamespace(store=Store(), quiet=quiet)
    tell: Any = reports.append
    worker = Worker(TASK, backend, Recorder(lambda: 0.0, sinks=(ops.append,)), tell=tell, own=set())
    await worker.prepare()

    await worker.close()

    assert reports == told
    assert [op.f for op in ops if op.actor == "story"] == ["start_process", *["settle"] * (not reads_all), "database"]
