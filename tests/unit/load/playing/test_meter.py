"""What the meter makes of readings, and how PostgreSQL's processes are added up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import psutil  # type: ignore[import-untyped]
import pytest

from harness.history import Recorder
from load.playing.meter import Database, Meter, Single

T = TypeVar("T")

MIB = 2**20


class Stepping:
    """A clock that goes on as it is told to, and by being slept on."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def wall(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("the meter sleeps by what it is handed")

    def until(self, end: float) -> Callable[[float], None]:
        """A `sleep` that ends who sleeps beyond that."""

        def sleep(seconds: float) -> None:
            self.at += seconds
            if self.at > end:
                raise TimeoutError

        return sleep


class Half:
    """Uses half a core; has gone at `gone`."""

    def __init__(self, clock: Stepping, *, gone: float = 1e9, files: int | None = None) -> None:
        self._clock = clock
        self._gone = gone
        self._files = files

    def seconds(self) -> float:
        if self._clock.at >= self._gone:
            raise psutil.NoSuchProcess(1)
        return self._clock.at / 2

    def memory(self) -> float:
        return 3 * MIB

    def files_left(self) -> int | None:
        return self._files


def told_of(clock: Stepping, end: float, **measured: Half) -> Sequence[tuple[float, dict[str, Any]]]:
    recorder = Recorder(clock.now)
    with pytest.raises(TimeoutError):
        Meter(measured, recorder=recorder, clock=clock).run(clock.until(end))
    assert {(op.actor, op.f, op.type) for op in recorder.ops()} == {("machine", "usage", "ok")}
    return [(op.time, dict(op.value)) for op in recorder.ops()]


def test_a_process_is_told_each_second_but_the_first() -> None:
    clock = Stepping()

    told = told_of(clock, 2.5, engine=Half(clock))

    value = {"process": "engine", "cpu": 0.5, "rss_mib": 3.0}
    assert told == [(1.0, value), (2.0, value)]


def test_descriptors_are_told_where_they_are_known() -> None:
    clock = Stepping()

    ((_, value),) = told_of(clock, 1.5, engine=Half(clock, files=7))

    assert value["files_left"] == 7


def test_one_that_has_gone_ends_its_samples_only() -> None:
    clock = Stepping()

    told = told_of(clock, 3.5, engine=Half(clock), publishing=Half(clock, gone=1.5))

    assert [(at, value["process"]) for at, value in told] == [
        (1.0, "engine"), (1.0, "publishing"), (2.0, "engine"), (3.0, "engine"),
    ]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Times:
    user: float = 0.0
    system: float = 0.0
    children_user: float = 0.0
    children_system: float = 0.0


@dataclass(kw_only=True)
class Process:
    """As far as psutil's is asked."""

    called: str = "postgres"
    times: Times = field(default_factory=Times)
    pss: int = 0
    rss: int = 0
    below: list["Process"] = field(default_factory=list)
    gone: bool = False
    foreign: bool = False
    pid: int = 1

    def name(self) -> str:
        return self._unless_gone(self.called)

    def children(self) -> list["Process"]:
        return self._unless_gone(self.below)

    def cpu_times(self) -> Times:
        return self._unless_gone(self.times)

    def memory_info(self) -> "Process":
        return self._unless_gone(self)

    def memory_full_info(self) -> "Process":
        if self.foreign:
            raise psutil.AccessDenied(self.pid)
        return self._unless_gone(self)

    @property
    def uss(self) -> int:
        return self.pss

    def _unless_gone(self, answer: T) -> T:
        if self.gone:
            raise psutil.NoSuchProcess(self.pid)
        return answer


def a_database(server: Process) -> Database:
    return Database(cast(psutil.Process, Process(called="python", below=[Process(called="sh"), server])))


def test_a_database_is_its_server_its_children_and_those_that_have_ended() -> None:
    child = Process(times=Times(user=3.0, system=1.0), pss=2 * MIB)
    server = Process(times=Times(user=1.0, system=1.0, children_user=4.0, children_system=2.0), pss=MIB, below=[child])

    database = a_database(server)

    assert (database.seconds(), database.memory()) == (12.0, 3 * MIB)


def test_a_child_that_ends_between_two_looks_is_no_end_of_the_database() -> None:
    child = Process(times=Times(user=3.0), pss=MIB)
    server = Process(times=Times(user=1.0), below=[child])
    database = a_database(server)
    database.seconds()

    child.gone = True
    server.times = Times(user=1.0, children_user=3.5)

    assert database.seconds() == 4.5


def test_whose_shares_are_not_told_counts_with_all_that_is_resident() -> None:
    database = a_database(Process(foreign=True, rss=5 * MIB))
    database.seconds()

    assert database.memory() == 5 * MIB


def test_a_stack_without_a_postgresql_of_its_own_has_none_to_measure() -> None:
    database = Database(cast(psutil.Process, Process(called="python", below=[Process(called="sh")])))

    with pytest.raises(psutil.NoSuchProcess):
        database.seconds()


def test_this_process_can_be_read() -> None:
    single = Single(psutil.Process())

    assert single.seconds() > 0
    assert single.memory() > MIB
