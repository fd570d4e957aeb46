"""`Input`: what an application said and when, to be said again to every debounce policy alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.events.types import EventData


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One event of a process, due `at` seconds from the start.

    `saved`: it goes with the state row in one transaction, so that the reference may not hold it back.
    """

    at: float
    process_id: str
    data: EventData
    saved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Everything that is said, in order of time. `name` tells where it comes from.

    Not `texts`: the contents are not known, so every chunk stands for itself as one character, and there are no
    sizes.
    """

    name: str
    sayings: Sequence[Saying]
    texts: bool = True

    def by_process(self) -> Mapping[str, Sequence[Saying]]:
        """The sayings of each process, in order: the n-th has the intent n."""
        found: dict[str, list[Saying]] = {}
        for saying in self.sayings:
            found.setdefault(saying.process_id, []).append(saying)
        return found
