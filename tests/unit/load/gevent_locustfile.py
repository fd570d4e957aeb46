"""A run that cannot start ends Locust; behind a web UI it ends the run only."""

from types import SimpleNamespace
from typing import Any

import gevent  # type: ignore[import-untyped]
import pytest

from harness.errors import UsageError
from load import locustfile


class Role:
    def __init__(self, fails: Exception) -> None:
        self._fails = fails

    def start(self) -> None:
        raise self._fails

    def stop(self) -> None: ...


def environment(*, web: bool) -> Any:
    ended: list[str] = []
    runner = SimpleNamespace(quit=lambda: ended.append("quit"), stop=lambda: ended.append("stop"))
    return SimpleNamespace(runner=runner, web_ui=object() if web else None, process_exit_code=0, ended=ended)


@pytest.mark.parametrize(("fails", "code"), [(UsageError("too many workers"), 64), (OSError(13, "Denied"), 2)])
def test_without_a_web_ui_locust_ends(fails: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    locust = environment(web=False)

    with pytest.raises(SystemExit) as ended:
        locustfile._start(locust, Role(fails))

    assert (ended.value.code, locust.process_exit_code) == (code, code)
    assert str(fails) in capsys.readouterr().err


def test_behind_a_web_ui_the_run_is_stopped_and_locust_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    locust = environment(web=True)

    starting = gevent.spawn(locustfile._start, locust, Role(UsageError("too many workers")))
    starting.join()
    gevent.idle()

    assert (starting.successful(), locust.ended, locust.process_exit_code) == (True, ["stop"], 64)
    assert capsys.readouterr().err == "harness: too many workers\n"
