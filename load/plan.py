"""`Plan`: one load run as a value: who takes part, how much is said, under which debounce policy.

What the command line, the web form and the runner agree on; everything else of `load/` is handed one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

AS_SPECIFIED: Final = "as-specified"
DEBOUNCES: Final = ("off", AS_SPECIFIED, "lossless")
"""The three that `make load` compares."""
OTHERS: Final = ("latest-wins", "concatenate", "per-entity")
"""Further policies of the reference application: to be convicted, or not."""
OWN: Final = "own"
"""What `--debounce` says where the application is to have its own policy."""
REFERENCE: Final = "reference"
APPS: Final[Mapping[str, Sequence[str]]] = {
    REFERENCE: ("lossless", "off", AS_SPECIFIED, *OTHERS),
    AS_SPECIFIED: (AS_SPECIFIED, "off"),
}
"""Whose code publishes → the debounce policies that it can do, its own one first. The readers are always the
reference's."""
TRANSPORTS: Final = ("postgres_changes", "broadcast")
"""How a row comes to a reader: read from the WAL for its filter, or sent to its topic by a trigger."""
SHAPES: Final[Mapping[str, float]] = {"plateau": 1.0, "ramp": 0.7625, "steps": 0.6, "spike": 1.4}
"""How the offered rate goes with time → its mean, in units of the plan's rate."""
LEAST_EVENTS: Final = 18
"""What a generation says with one short section: fewer are no article."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one run offers, seconds and counts.

    Each of the `writers` is one article generation that says about `rate` events per second for `seconds`, in the
    `shape` of that name; each is read by `readers`. With more `generations`, each writer says so many, one after
    another, and each of its readers opens a page for each. `churners` come and go, `storm` are readers that lose
    their sockets all at once in the middle of the run. Of what is due in the first `warm_up` seconds no latency is
    counted. After the last event, what is still under way is waited for until nothing is missing, at most `settle`.
    """

    debounce: str = "lossless"
    app: str = "reference"
    transport: str = "postgres_changes"
    shape: str = "plateau"
    seed: int = 1
    generations: int = 1
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
    def events(self) -> int:
        """How many each writer says in one generation."""
        return round(self.rate * self.seconds * SHAPES[self.shape])

    @property
    def told(self) -> str:
        """In a few words, for whoever waits for it."""
        return f"debounce {self.debounce}, {self.writers} writers at {self.rate:g}/s, {self.seconds:g} s"

    @property
    def middle(self) -> float:
        """When the storm breaks loose, in seconds after the first event is due."""
        return self.seconds / 2
