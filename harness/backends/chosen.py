"""The backend that the options name, not yet up."""

from collections.abc import Callable
from datetime import datetime
from random import Random

from harness.backends.backend import Backend
from harness.backends.compose import Compose
from harness.backends.embedded import Embedded
from harness.backends.options import StackOptions
from harness.clock import Clock
from harness.history import Recorder


def chosen(
    options: StackOptions,
    *,
    recorder: Recorder,
    clock: Clock,
    rng: Random,
    started: datetime,
    tell: Callable[[str], None],
) -> Backend:
    """`tell` gets lines of progress where coming up takes long."""
    if options.backend == "compose":
        return Compose(options, recorder=recorder, clock=clock, rng=rng, started=started, tell=tell)
    return Embedded(options, recorder=recorder, clock=clock, rng=rng, started=started)
