"""What a user does, as requests and as ops; the usual course is in test_subscriber."""

import pytest

from harness.errors import FetchFailed
from harness.history import Recorder
from harness.pipeline.reader_acts import ReaderActs
from harness.pipeline.reader_log import ReaderLog
from tests.browser import FakeApp
from tests.instant import run


def acts(app: FakeApp, recorder: Recorder) -> ReaderActs:
    return ReaderActs(app, ReaderLog(recorder, name="reader", process_id="p"), process_id="p")


def test_each_act_is_one_request_and_two_ops() -> None:
    async def story() -> None:
        app, recorder = FakeApp(), Recorder(lambda: 0.0)

        await acts(app, recorder).answer("SELECT_THEME", "select", {"selected_index": 0}, input_id="i")
        await acts(app, recorder).pause()
        await acts(app, recorder).resume()
        await acts(app, recorder).acknowledge(7)

        assert [action for action, _ in app.posts] == ["user-input", "pause", "resume", "ack"]
        assert [(op.value.action, op.type) for op in recorder.ops()] == [
            (action, type) for action in ("user-input", "pause", "resume", "ack") for type in ("invoke", "ok")
        ]

    run(story())


@pytest.mark.parametrize(("status", "type"), [(503, "fail"), (0, "info")])
def test_a_request_without_an_answer_may_have_been_carried_out(status: int, type: str) -> None:
    async def story() -> None:
        app, recorder = FakeApp(), Recorder(lambda: 0.0)
        app.failures.append(FetchFailed("u", status, "down"))

        with pytest.raises(FetchFailed):
            await acts(app, recorder).pause()

        assert [op.type for op in recorder.ops()] == ["invoke", type]

    run(story())
