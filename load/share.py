"""`Share`: which part of a plan one Locust process plays.

Writers, readers and all others are dealt out in turn, so that what is said and who reads it is the same however many
processes share it.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """That of process `worker` (from 0 up) of so many `workers`."""

    worker: int = 0
    workers: int = 1

    def of(self, count: int) -> Sequence[int]:
        """The numbers (from 0 up) of those of `count` that are played here."""
        return range(self.worker, count, self.workers)
