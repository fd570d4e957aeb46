"""`Meter`: reads once a second what the processes of a load run use of this machine, and tells the history.

Needs psutil, which comes with Locust; knows nothing of gevent, whose `sleep` it is handed.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import psutil  # type: ignore[import-untyped]

from harness.clock import Clock
from harness.history import Recorder
from load.judging.usage import ACTOR, ENGINE, LOCUST, POSTGRES, PUBLISHING, USAGE

_EVERY_S: Final = 1.0
_LOOK_EVERY: Final = 5
"""At how many samples' distance it is looked which processes PostgreSQL has, and what memory: that takes 5 ms, in which
no reader here reads; all else takes half a millisecond."""
_MIB: Final = 2**20
_DATABASE: Final = "postgres"


class Measured(Protocol):
    """What a meter reads; raises `psutil.Error` once it has gone."""

    def seconds(self) -> float:
        """Of processor so far."""
        ...

    def memory(self) -> float:
        """In bytes."""
        ...

    def files_left(self) -> int | None:
        """How many descriptors it may still open; None where nobody says."""
        ...


class Single:
    """One process; its memory is what is resident."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process

    def seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> float:
        return float(self._process.memory_info().rss)

    def files_left(self) -> int | None:
        if sys.platform != "linux":
            return None
        try:
            allowed, _ = self._process.rlimit(psutil.RLIMIT_NOFILE)
            return int(allowed - self._process.num_fds())
        except psutil.AccessDenied:  # somebody else's
            return None


class Database:
    """PostgreSQL below a process: the server that this one has started, and the server's own children, as one.

    What its processes share is counted once, by their proportional shares (`pss`); where the system does not tell
    these, once for each that has touched it.
    """

    def __init__(self, above: psutil.Process) -> None:
        self._above = above
        self._processes: Sequence[psutil.Process] = ()
        self._memory = 0.0
        self._looks = 0

    def seconds(self) -> float:
        """With those of its processes that have ended."""
        self._look()
        server, *children = self._processes
        times = server.cpu_times()
        ended = times.children_user + times.children_system
        return float(times.user + times.system + ended + sum(filter(None, map(_seconds, children))))

    def memory(self) -> float:
        """As it was when it was last looked."""
        return self._memory

    def files_left(self) -> None:
        """Nobody says: each of its processes has a limit of its own, and few files."""

    def _look(self) -> None:
        if self._looks % _LOOK_EVERY == 0:
            servers = list(filter(_is_server, self._above.children()))
            if not servers:
                raise psutil.NoSuchProcess(self._above.pid, msg="it has started no PostgreSQL")
            self._processes = [servers[0], *servers[0].children()]
            self._memory = sum(filter(None, map(_share, self._processes)))
        self._looks += 1


class Meter:
    """Records an op `usage` a second for each process, from the second second on. One that has gone is told no more."""

    def __init__(self, measured: Mapping[str, Measured], *, recorder: Recorder, clock: Clock) -> None:
        self._measured = dict(measured)
        self._recorder = recorder
        self._clock = clock
        self._before: dict[str, tuple[float, float]] = {}  # when it was read, and its processor seconds then

    def run(self, sleep: Callable[[float], None]) -> None:
        """Measure until `sleep` raises, as that of a greenlet does that is killed; others run between two processes."""
        due = self._clock.now()
        while True:
            for name in list(self._measured):
                self.read(name)
                sleep(0.0)
            due = max(due + _EVERY_S, self._clock.now())
            sleep(due - self._clock.now())

    def read(self, name: str) -> None:
        """Measure one process now."""
        measured = self._measured[name]
        try:
            now, seconds = self._clock.now(), measured.seconds()
            memory, files = measured.memory(), measured.files_left()
        except psutil.Error:
            del self._measured[name]
            return
        before = self._before.get(name)
        self._before[name] = now, seconds
        if before is None:
            return
        cores = max(0.0, seconds - before[1]) / (now - before[0])
        value = {"process": name, "cpu": round(cores, 4), "rss_mib": round(memory / _MIB, 2)}
        self._recorder.record(ACTOR, USAGE, value if files is None else {**value, "files_left": files})


def measured_here(*, publishing: int, stack: int | None) -> Mapping[str, Measured]:
    """This process as Locust's, its publishing process, and the stack if one is named that runs here; by process ids.

    The stack's is that of `harness up`: the engine, with its PostgreSQL below it.
    """
    pids = {ENGINE: stack, LOCUST: os.getpid(), PUBLISHING: publishing}
    found: dict[str, Measured] = {}
    for name, pid in pids.items():
        if pid is not None and psutil.pid_exists(pid):
            found[name] = Single(psutil.Process(pid))
    if stack is not None and ENGINE in found:
        found[POSTGRES] = Database(psutil.Process(stack))
    return found


def _is_server(process: psutil.Process) -> bool:
    try:
        return str(process.name()).startswith(_DATABASE)
    except psutil.Error:
        return False


def _seconds(process: psutil.Process) -> float | None:
    """None of one that has just ended: its parent tells of it from now on."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return None
    return float(times.user + times.system)


def _share(process: psutil.Process) -> float | None:
    try:
        memory = process.memory_full_info()
    except psutil.AccessDenied:
        return _resident(process)
    except psutil.Error:
        return None
    return float(getattr(memory, "pss", memory.uss))


def _resident(process: psutil.Process) -> float | None:
    try:
        return float(process.memory_info().rss)
    except psutil.Error:
        return None
