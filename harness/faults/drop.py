"""Messages that are lost one by one."""

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from harness.faults.fault import BINARY, TEXT, Admission, Direction, Fate, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Loses messages of one direction, each with this `probability`.

    Only those of the Phoenix `event` and `topic`, if these are given, as they stand in the frame: the topic
    with its prefix, and "phoenix" for heartbeats. `Drop(event="phx_reply", topic="phoenix")` is a lost answer to a
    heartbeat (delivery-bugs B18). `numbers`: only frames with these numbers of their connection. Pings and close
    frames of WebSocket are no messages.
    """

    link: str
    probability: float = 1.0
    direction: Direction = Direction.TO_CLIENT
    event: str | None = None
    topic: str | None = None
    numbers: tuple[int, ...] = ()
    at: float = 0.0
    lasts: float | None = None

    admission: ClassVar[Admission] = Admission.PASS
    onset: ClassVar[Fate] = Fate.PASS
    bytes_per_s: ClassVar[float | None] = None

    def fate(self, frame: Frame, rng: Random) -> Fate:
        return Fate.DROP if self._meant(frame) and rng.random() < self.probability else Fate.PASS

    def _meant(self, frame: Frame) -> bool:
        if frame.direction is not self.direction or frame.opcode not in (TEXT, BINARY):
            return False
        if self.numbers and frame.number not in self.numbers:
            return False
        message = frame.message() if self.event is not None or self.topic is not None else {}
        return self.event in (None, message.get("event")) and self.topic in (None, message.get("topic"))
