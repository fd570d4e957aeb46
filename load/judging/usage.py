"""What the processes of a load run used of the machine: figures from the ops `usage` that `load.playing.meter` records.

Beside the line: which of those that share a machine has most of it, and whose memory grows. An op tells of one process,
or of all of PostgreSQL: `cpu` is the cores that it used since its last op, `rss_mib` the memory that it has then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

from harness.history import History
from harness.history.hops import EMIT

USAGE: Final = "usage"
ACTOR: Final = "machine"
ENGINE: Final = "engine"
POSTGRES: Final = "postgres"
LOCUST: Final = "locust"
PUBLISHING: Final = "publishing"
PROCESSES: Final = (ENGINE, POSTGRES, LOCUST, PUBLISHING)
"""Who is measured, as far as it runs on this machine, in the order of the table."""
FILES_LEFT: Final = "file descriptors left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One op: `at` is its time in seconds of the run, `files` the descriptors that the process may still open."""

    at: float
    process: str
    cpu: float
    mib: float
    files: int | None = None


def cpu_of(process: str) -> str:
    """The name of its figure."""
    return f"{process} cpu cores"


def memory_of(process: str) -> str:
    """The name of its figure."""
    return f"{process} memory MiB"


def used(history: History) -> Mapping[str, Sequence[Usage]]:
    """Process → what it used, in the order of time."""
    found: dict[str, list[Usage]] = {}
    for op in history.where(f=USAGE):
        value = op.value
        usage = Usage(
            at=op.time,
            process=value.process,
            cpu=value.cpu,
            mib=value.rss_mib,
            files=value.get("files_left"),
        )
        found.setdefault(usage.process, []).append(usage)
    return {process: found[process] for process in sorted(found, key=_place)}


def usage_figures(history: History) -> Mapping[str, float | None]:
    """Of each process the cores that it used while events were said, and its memory in the end; and the fewest
    descriptors that any had left. Of who was not measured there are none."""
    said = [op.time for op in history.where(f=EMIT)]
    told = used(history)
    figures: dict[str, float | None] = {}
    for process, usages in told.items():
        figures[cpu_of(process)] = _cores(usages, said)
        figures[memory_of(process)] = usages[-1].mib
    files = [each.files for usages in told.values() for each in usages if each.files is not None]
    return {**figures, FILES_LEFT: min(files)} if files else figures


def usage_by_second(history: History, *, begin: float) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Process → its samples, for `result.json`; `second` counts from `begin`, and is negative before."""
    return {process: list(_told(usages, begin)) for process, usages in used(history).items()}


def _cores(usages: Sequence[Usage], said: Sequence[float]) -> float | None:
    """The mean of the samples whose time lies between the first and the last event."""
    within = [each.cpu for each in usages if said and said[0] <= each.at <= said[-1]]
    return fmean(within) if within else None


def _told(usages: Sequence[Usage], begin: float) -> Iterator[Mapping[str, Any]]:
    for each in usages:
        yield {"second": round(each.at - begin, 1), "cpu": each.cpu, "mib": each.mib}


def _place(process: str) -> tuple[int, str]:
    """In the order of the table, then by name."""
    return PROCESSES.index(process) if process in PROCESSES else len(PROCESSES), process
