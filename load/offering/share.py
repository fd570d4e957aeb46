"""`Share`: which part of a plan one Locust process plays, and `Cast`: who that is.

Writers are dealt out in turn, and everybody else goes where the writer is that he reads: what is said, and who reads
it, is the same however many processes share it, and all that a tab is told of comes from its own machine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from load.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """That of process `worker` (from 0 up) of so many `workers`."""

    worker: int = 0
    workers: int = 1

    def of(self, count: int) -> Sequence[int]:
        """The numbers (from 0 up) of those of `count` that are played here."""
        return range(self.worker, count, self.workers)

    def beside(self, count: int, writers: int) -> Sequence[int]:
        """The numbers (from 0 up) of those of `count` readers whose writer, of so many, is played here: reader `n`
        reads writer `n` modulo `writers`."""
        return [number for number in range(count) if number % writers in self.of(writers)]

    def named(self, name: str) -> str:
        """A name that several processes have, told apart: `locust 2`; the name itself if there is only one."""
        return name if self.workers == 1 else f"{name} {self.worker + 1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The numbers (from 0 up, of the whole plan) of those that one process plays, by what they are."""

    writers: Sequence[int]
    readers: Sequence[int]
    storm: Sequence[int]
    churners: Sequence[int]

    @classmethod
    def of(cls, plan: Plan, share: Share) -> "Cast":
        return cls(
            writers=share.of(plan.writers),
            readers=share.beside(plan.writers * plan.readers, plan.writers),
            storm=share.beside(plan.storm, plan.writers),
            churners=share.beside(plan.churners, plan.writers),
        )

    def counts(self) -> Mapping[str, int]:
        """How many of each, by the names of Locust's user classes."""
        return {
            "Writer": len(self.writers),
            "Reader": len(self.readers),
            "Storm": len(self.storm),
            "Churner": len(self.churners),
        }
