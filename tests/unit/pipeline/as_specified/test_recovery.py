"""The specification's recovery: five looks, one page, and silence about what went wrong."""

import pytest

from harness.errors import FetchFailed
from harness.history import Recorder
from harness.pipeline.as_specified.recovery import RealtimeConnectionRecovery
from harness.pipeline.reader_log import ReaderLog
from tests.browser import PROCESS, FakeApp, a_row
from tests.instant import InstantClock, run


class Stage:
    """`there_at`: when the connection is there again; never for None."""

    def __init__(self, *, there_at: float | None = None, rows: int = 0) -> None:
        self.clock = InstantClock()
        self.app = FakeApp(*(a_row(n) for n in range(1, rows + 1)))
        self.recorder = Recorder(self.clock.now)
        self.looks: list[float] = []
        self._there_at = there_at
        self.recovery = RealtimeConnectionRecovery(
            self.app,
            process_id=PROCESS,
            clock=self.clock,
            log=ReaderLog(self.recorder, name="reader", process_id=PROCESS),
            connected=self._look,
        )

    def _look(self) -> bool:
        self.looks.append(self.clock.now())
        return self._there_at is not None and self.clock.now() >= self._there_at


def test_it_gives_up_after_five_looks_and_31_seconds() -> None:
    async def story() -> None:
        stage = Stage()

        recovered = await stage.recovery.recover_connection()

        assert not recovered
        assert stage.looks == pytest.approx([0.0, 1.0, 3.0, 7.0, 15.0])
        assert stage.clock.now() == pytest.approx(31.0)

    run(story())


def test_what_is_there_at_a_look_is_recovered() -> None:
    async def story() -> None:
        stage = Stage(there_at=5.0)

        assert await stage.recovery.recover_connection()
        assert stage.clock.now() == pytest.approx(7.0)

    run(story())


def test_it_fetches_what_came_after() -> None:
    async def story() -> None:
        stage = Stage(rows=5)

        rows = await stage.recovery.sync_missed_events(3)

        assert [row["event_sequence"] for row in rows] == [4, 5]
        assert [(op.f, op.type, op.value.get("complete")) for op in stage.recorder.ops()] == [
            ("fetch", "invoke", None),
            ("fetch", "ok", True),
        ]

    run(story())


def test_only_the_first_page() -> None:
    async def story() -> None:
        stage = Stage(rows=1001)

        assert len(await stage.recovery.sync_missed_events(0)) == 1000

    run(story())


def test_a_failure_looks_like_nothing_missed() -> None:
    async def story() -> None:
        stage = Stage(rows=5)
        stage.app.failures.append(FetchFailed("u", 500, "down"))

        assert await stage.recovery.sync_missed_events(0) == ()
        assert [(op.type, op.error) for op in stage.recorder.ops()] == [
            ("invoke", None),
            ("fail", "u answered 500: down"),
        ]

    run(story())
