"""The master waits for its workers. Must be imported after gevent's monkey patch."""

from typing import Any, Final

import gevent  # type: ignore[import-untyped]
from locust.runners import MasterRunner

from harness.clock import SystemClock
from harness.errors import StackError
from harness.output import note
from harness.signals import INTERRUPTED

_CLOCK: Final = SystemClock()
_SAID_AFTER_S: Final = 10.0
_LOOK_S: Final = 0.1


def gather(runner: MasterRunner, options: Any) -> None:
    """Until as many are there as `--expect-workers` says, at most `--expect-workers-max-wait` seconds (0: for ever).

    Raises `StackError`, when those that are there have been told to end.
    """
    begun, said = _CLOCK.now(), False
    try:
        while (there := len(runner.clients.ready)) < options.expect_workers:
            waited = _CLOCK.now() - begun
            if 0 < options.expect_workers_max_wait < waited:
                runner.quit()
                raise StackError(f"{_of(there, options)} within {waited:.0f} s (--expect-workers-max-wait)")
            if waited > _SAID_AFTER_S and not said:
                note(f"{_of(there, options)} so far; waiting for the others")
                said = True
            gevent.sleep(_LOOK_S)
    except KeyboardInterrupt:
        runner.quit()
        raise SystemExit(INTERRUPTED) from None


def _of(there: int, options: Any) -> str:
    return f"of {options.expect_workers} workers (--expect-workers) {there} came"
