"""Frames for the tests of faults, as Realtime sends them."""

import json
from random import Random
from typing import Any

from harness.faults.fault import TEXT, Direction, Fate, Frame, FrameFault

PING = 9
CLOSE = 8


def a_frame(
    payload: bytes = b"",
    *,
    link: str = "reader",
    direction: Direction = Direction.TO_CLIENT,
    opcode: int = TEXT,
    number: int = 1,
) -> Frame:
    return Frame(link=link, direction=direction, opcode=opcode, payload=payload, number=number)


def a_message(event: str, topic: str = "realtime:t", payload: Any = None, **frame: Any) -> Frame:
    """In the framing of vsn 2.0.0."""
    return a_frame(json.dumps(["1", "1", topic, event, payload or {}]).encode(), **frame)


def a_change(**frame: Any) -> Frame:
    return a_message("postgres_changes", **frame)


def fate_of(fault: FrameFault, frame: Frame, *, seed: int = 1) -> Fate:
    return fault.fate(frame, Random(seed))


def everything() -> list[Frame]:
    """One of each that can go over a link."""
    return [
        a_message("phx_join", direction=Direction.TO_SERVER),
        a_message("phx_reply"),
        a_change(),
        a_frame(b"\x04", opcode=2),
        a_frame(opcode=PING),
        a_frame(opcode=CLOSE),
        a_frame(b"no JSON"),
    ]
