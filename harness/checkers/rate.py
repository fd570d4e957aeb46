"""How many ops fall into any stretch of a given length: the busiest one."""

from collections.abc import Sequence

from harness.history import Op


def busiest(ops: Sequence[Op], seconds: float) -> Sequence[Op]:
    """Of ops in the order of time, the most that lie less than `seconds` apart; the first such stretch of several."""
    best = (0, 0)
    first = 0
    for last, op in enumerate(ops):
        while op.time - ops[first].time >= seconds:
            first += 1
        if last + 1 - first > best[1] - best[0]:
            best = (first, last + 1)
    return ops[best[0] : best[1]]
