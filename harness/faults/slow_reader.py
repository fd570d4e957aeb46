"""A client that does not keep up."""

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from harness.errors import UsageError
from harness.faults.fault import Admission, Fate, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowReader:
    """A link takes only `bytes_per_s`, more than 0, of what is sent to it, HTTP too.

    The server cannot send and has to keep it, as soon as the buffers of the system are full: on the loopback these
    are some megabytes.
    """

    link: str
    bytes_per_s: float
    at: float = 0.0
    lasts: float | None = None

    admission: ClassVar[Admission] = Admission.PASS
    onset: ClassVar[Fate] = Fate.PASS

    def __post_init__(self) -> None:
        if self.bytes_per_s <= 0:
            raise UsageError(
                f"a slow reader takes more than 0 bytes per second, not {self.bytes_per_s}: BlackHole takes none"
            )

    def fate(self, frame: Frame, rng: Random) -> Fate:
        return Fate.PASS
