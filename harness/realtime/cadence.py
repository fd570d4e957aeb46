"""How long the real server's poller waits: after a poll, and after a failure (realtime-facts 4.3)."""

from random import Random
from typing import Final

MAX_FAILURES: Final = 6
_POLL_S: Final = 0.1
_IDLE_S: Final = 0.5
_FIRST_BACKOFF_S: Final = 0.1
_LONGEST_BACKOFF_S: Final = 5.0


def pause_s(*, delivered: bool, raw: int, idle_poll_500ms: bool, rng: Random) -> float:
    """Seconds until the next poll, given whether rows were for somebody and how many changes there were at all."""
    if delivered:
        return 0.0
    if raw:
        return _POLL_S + rng.uniform(0.05, 0.1)
    return _IDLE_S if idle_poll_500ms else _POLL_S


def backoff_s(failures: int, *, rng: Random) -> float:
    """Seconds before attempt number `failures` + 1: doubling from 100 ms to 5 s, the upper half left to chance."""
    longest = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** (failures - 1))
    return rng.uniform(max(_FIRST_BACKOFF_S, longest / 2), longest)
