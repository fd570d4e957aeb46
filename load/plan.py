"""`Plan`: one load run as a value: who takes part, how much is said, under which debounce policy.

What the command line, the web form and the runner agree on; everything else of `load/` is handed one.
"""

from dataclasses import dataclass
from typing import Final

AS_SPECIFIED: Final = "as-specified"
DEBOUNCES: Final = ("off", AS_SPECIFIED, "lossless")
"""The three that `make load` compares."""
OTHERS: Final = ("latest-wins", "concatenate", "per-entity")
"""Further policies of the reference application: to be convicted, or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one run offers, seconds and counts.

    Each of the `writers` is one article generation that says about `rate` events per second for `seconds`; each is
    read by `readers`. `churners` come and go, `storm` are readers that lose their sockets all at once in the middle of
    the run. Of what is due in the first `warm_up` seconds no latency is counted. After the last event, what is still
    under way is waited for until nothing is missing, at most `settle`.
    """

    debounce: str = "lossless"
    seed: int = 1
    writers: int = 4
    readers: int = 2
    churners: int = 2
    storm: int = 4
    rate: float = 20.0
    seconds: float = 20.0
    warm_up: float = 2.0
    settle: float = 15.0

    @property
    def users(self) -> int:
        """How many users Locust spawns."""
        return self.writers + self.writers * self.readers + self.churners + self.storm

    @property
    def middle(self) -> float:
        """When the storm breaks loose, in seconds after the first event is due."""
        return self.seconds / 2
