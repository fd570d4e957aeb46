"""How long the real server's poller waits: after a poll, and after a failure (realtime-facts 4.3)."""

from random import Random
from typing import Final

MAX_FAILURES: Final = 6
BUSY_FAILURES: Final = 5
"""At which failure in a row the session that holds the slot is ended: after four further tries."""

_FIRST_BACKOFF_S: Final = 0.1
_LONGEST_BACKOFF_S: Final = 5.0


def pause_s(*, delivered: bool, raw: int, interval_s: float, idle_interval_s: float, rng: Random) -> float:
    """Seconds until the next poll, given whether rows were for somebody and how many changes there were at all.

    `interval_s` and `idle_interval_s` are the times between polls while there is something and while there is not.
    """
    if delivered:
        return 0.0
    return interval_s + rng.uniform(0.05, 0.1) if raw else idle_interval_s


def lead_s(*, rng: Random) -> float:
    """Seconds between the beginning of the real server's poll and its look at the slot."""
    return rng.uniform(0.0005, 0.003)


def poll_s(changes: int, *, rng: Random) -> float:
    """Seconds from that look to the first frame, for so many changes.

    Fitted to the real server's latencies (`p11c_latency.json`, recording p11): what is committed while a poll takes its
    time is found by the next, which follows at once, and need not wait for an idle one.
    """
    return 0.004 * rng.uniform(1.0, 1.8) + 0.0003 * changes


def backoff_s(before: float | None, *, rng: Random) -> float:
    """Seconds before the next try, given those before the last one: up to three times as long, from 100 ms to 5 s."""
    if before is None:
        return rng.uniform(_FIRST_BACKOFF_S, 3 * _FIRST_BACKOFF_S)
    return rng.uniform(min(before, _LONGEST_BACKOFF_S / 3), min(3 * before, _LONGEST_BACKOFF_S))
