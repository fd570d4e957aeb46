"""Which faults hold, and what they say together. Beside the straight line."""

from random import Random

from harness.errors import StoryFault
from harness.faults.fault import EVERY, Admission, Fate, Frame, FrameFault, Kind


class Standing:
    """The faults that hold, in the order in which they began: the first that says anything decides."""

    def __init__(self) -> None:
        self._faults: list[FrameFault] = []

    def add(self, fault: FrameFault) -> None:
        self._faults.append(fault)

    def remove(self, fault: FrameFault) -> None:
        """Raises `StoryFault` for one that does not hold."""
        if fault not in self._faults:
            raise StoryFault(f"{fault} cannot end: it does not hold")
        self._faults.remove(fault)

    def holds(self, link: str) -> bool:
        """Whether any of them is for that link."""
        return any(concerns(fault, link) for fault in self._faults)

    def admission(self, link: str) -> Admission:
        said = (fault.admission for fault in self._faults if concerns(fault, link))
        return next((one for one in said if one is not Admission.PASS), Admission.PASS)

    def silent(self, link: str) -> bool:
        """Whether the link carries nothing at all, not even the end of a connection."""
        return self.admission(link) is Admission.SILENT

    def fate(self, frame: Frame, rng: Random) -> Fate:
        fates = (fault.fate(frame, rng) for fault in self._faults if concerns(fault, frame.link))
        return next((one for one in fates if one.kind is not Kind.PASS), Fate.PASS)

    def bytes_per_s(self, link: str) -> float | None:
        """The slowest that they say, None for as fast as can be."""
        speeds = [fault.bytes_per_s for fault in self._faults if concerns(fault, link)]
        return min((speed for speed in speeds if speed is not None), default=None)


def concerns(fault: FrameFault, link: str) -> bool:
    return fault.link in (EVERY, link)
