"""Since when a reader waited for an event until it showed it.

Beside the line: what latency, staleness and backlog are counted by, with the rules of `checkers.latency`: from the due
time on; a merged event has come with the one that carries it; the time in which a reader was not online does not count.
"""

from math import inf

from harness.history.arrival import Arrival
from harness.history.facts import Facts
from harness.history.journey import Journey


def due(journey: Journey) -> float:
    """When it was due; long ago if nobody knows."""
    at: float = -inf if journey.emit is None else journey.emit.value.get("due", -inf)
    return at


def carrier(facts: Facts, journey: Journey) -> Journey:
    """The event with which this one's data came: itself, unless it was merged into another."""
    merged = journey.debounce is not None and journey.debounce.value.get("outcome") == "merged"
    return facts.carrier(journey) if merged else journey


def counts(arrival: Arrival, due: float) -> bool:
    """Whether the reader waited for it at all: what it fetched from before it came online is no delivery."""
    since = arrival.online_since
    return since is not None and (due >= since or arrival.op.value.get("via") == "live")


def waited_since(arrival: Arrival, due: float) -> float:
    """From when on the wait counts."""
    return max(due, arrival.online_since or 0.0)
