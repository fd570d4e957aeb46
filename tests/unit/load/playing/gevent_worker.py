"""The publishing process as Locust holds it, where that process misbehaves."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import StackError
from load.playing import worker
from load.playing.worker import PublishingWorker
from tests.unit.load.nowhere import a_task

TASK = a_task()
NEVER_ENDS = "import signal; signal.pause()"


def publishing(script: str, monkeypatch: pytest.MonkeyPatch, troubles: list[str] | None = None) -> PublishingWorker:
    """One that does `script` instead."""

    def started(command: Any, **pipes: Any) -> Any:
        return subprocess.Popen([sys.executable, "-c", script], **pipes)

    faked = SimpleNamespace(Popen=started, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired)
    monkeypatch.setattr(worker, "subprocess", faked)
    told = [] if troubles is None else troubles
    return PublishingWorker(TASK, lambda report: None, troubled=told.append)


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_half_a_line_is_the_end_and_not_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    one = publishing(f'print(\'{{"what": "prep\', flush=True); print(flush=True); {NEVER_ENDS}', monkeypatch)

    with pytest.raises(StackError, match="the publishing process has ended"):
        one.prepare()

    one.kill()
    assert not alive(one.pid)


def test_what_it_is_troubled_by_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    troubles: list[str] = []
    one = publishing("import json; print(json.dumps({'what': 'trouble', 'trouble': 'a lag'}))", monkeypatch, troubles)

    one.end()

    assert troubles == ["a lag"]


def test_one_that_falls_silent_and_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_EXIT_S", 0.05)
    one = publishing(f"import os; os.close(1); {NEVER_ENDS}", monkeypatch)

    with pytest.raises(StackError, match="it hangs"):
        one.end()

    assert not alive(one.pid)
