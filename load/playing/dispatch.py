"""`Dispatch`: Locust's dispatcher of users, which gives each process exactly those that it plays.

Locust's own deals users round robin, one class after another, and deals anew when a worker is lost: a writer and its
readers would be on different machines. Beside the line: asked by Locust's runner.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil
from typing import Any

Counts = Mapping[str, Mapping[str, int]]
"""Worker's id → user class → how many."""


def ramp(counts: Counts, rate: float) -> Sequence[dict[str, dict[str, int]]]:
    """How many are to be there after each second, where about `rate` a second come, in all."""
    total = sum(sum(each.values()) for each in counts.values())
    steps = max(1, ceil(total / rate))
    return [
        {worker: {user: ceil(count * step / steps) for user, count in each.items()} for worker, each in counts.items()}
        for step in range(1, steps + 1)
    ]


class Dispatch:
    """What Locust's runner needs of its `UsersDispatcher`. `counts` is asked at each dispatch.

    Workers that come later, or go, change nothing: what is shared out stays so.
    """

    dispatch_in_progress = False

    def __init__(self, counts: Callable[[], Counts], *, sleep: Callable[[float], None]) -> None:
        self._counts = counts
        self._sleep = sleep
        self._steps: Iterator[dict[str, dict[str, int]]] = iter(())

    def new_dispatch(self, target_user_count: int, spawn_rate: float, user_classes: Any = None) -> None:
        """Begin: what follows by iteration comes at `spawn_rate`. How many are wanted is the plan's affair."""
        self._steps = self._spread(ramp(self._counts(), spawn_rate))

    def add_worker(self, worker_node: Any) -> None:
        """Nothing: it has no share."""

    def remove_worker(self, worker_node: Any) -> None:
        """Nothing: nobody else can play its share."""

    def __iter__(self) -> "Dispatch":
        return self

    def __next__(self) -> dict[str, dict[str, int]]:
        return next(self._steps)

    def _spread(self, steps: Sequence[dict[str, dict[str, int]]]) -> Iterator[dict[str, dict[str, int]]]:
        self.dispatch_in_progress = True
        for number, step in enumerate(steps):
            if number:
                self._sleep(1.0)
            yield step
        self.dispatch_in_progress = False
