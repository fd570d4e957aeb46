"""The virtual loop and clock of `harness.clock`, by the names that the tests use."""

from harness.clock import VIRTUAL_BEGIN as BEGIN
from harness.clock import VirtualClock as InstantClock
from harness.clock import run_virtual as run

__all__ = ["BEGIN", "InstantClock", "run"]
