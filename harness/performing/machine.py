"""The computer on which one reader's browser runs, as faults see it: its clock, its links, its sign-in."""

from collections.abc import Callable
from typing import Final

from harness.clock import Clock, SteerableClock
from harness.errors import FaultUnsupported
from harness.faults.fault import FrameFault
from harness.faults.nemesis import name_of
from harness.proxy import FaultProxy


class ReaderMachine:
    """`faults.fault.Machine` of one reader.

    `sign` gives a fresh token; `token` is what the page gets: the last one again, while none can be had. The timers
    of an official client are its own: unless `native`, they cannot be bent.
    """

    def __init__(
        self, reader: str, *, clock: Clock, sign: Callable[[], str], proxy: FaultProxy | None, native: bool
    ) -> None:
        self.clock: Final = SteerableClock(clock)
        self._reader = reader
        self._sign = sign
        self._proxy = proxy
        self._native = native
        self._able = True
        self._token = ""

    def token(self) -> str:
        """A new token, or the old one while there is no way to a new one."""
        if self._able or not self._token:
            self._token = self._sign()
        return self._token

    def throttle(self, seconds: float | None) -> None:
        self._need_native("of a hidden tab")
        self.clock.throttled_to = seconds

    def freeze(self) -> None:
        self._need_native("of a laptop that sleeps")
        self.clock.freeze()

    def thaw(self) -> None:
        self.clock.thaw()

    def begin(self, fault: FrameFault) -> None:
        self._links(fault).begin(fault)

    def end(self, fault: FrameFault) -> None:
        self._links(fault).end(fault)

    def refresh_tokens(self, able: bool) -> None:
        self._able = able

    def _links(self, fault: FrameFault) -> FaultProxy:
        if self._proxy is None:
            raise FaultUnsupported(
                name_of(fault),
                f"a proxy on the link of {self._reader}",
                "this run",
                cure="have a scenario begin it: `harness run`, or the fixture `run`",
            )
        return self._proxy

    def _need_native(self, what: str) -> None:
        if not self._native:
            raise FaultUnsupported(
                what, "timers that can be bent", f"the official client of {self._reader}", cure="use --client native"
            )
