"""`rss_mib`: the memory of the engine and of PostgreSQL, idle and with 200 subscribers. Linux only."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.figure import Figure
from bench.progress import note
from bench.size import Size
from bench.stack import Stack

_PROC: Final = Path("/proc")
_SUBSCRIBERS: Final = 200
_SETTLE_S: Final = 1.0
_POSTGRES: Final = "sum over its processes, without pages of shared buffers"


async def memory(stack: Stack, size: Size) -> list[Figure]:
    """After the worker's first subscriber came and went, and with 200 that are subscribed; nothing is written."""
    if sys.platform != "linux":
        return [Figure(case=("rss_mib",), value=None, unit="MiB", settings="not measured: no /proc here")]
    postmaster = _number(_status(await stack.backend_pid())["PPid"])
    note("rss_mib: idle")
    figures = _figures("idle", stack.pid, postmaster, comparable=size.full)
    note(f"rss_mib: {_SUBSCRIBERS} subscribers")
    async with stack.readers(_SUBSCRIBERS, await stack.new_process()) as readers:
        await readers.ask(do="join")
        await asyncio.sleep(_SETTLE_S)
        figures += _figures(f"{_SUBSCRIBERS} subscribers", stack.pid, postmaster, comparable=size.full)
    return figures


def _figures(state: str, engine: int, postmaster: int, *, comparable: bool) -> list[Figure]:
    measured = (
        ("engine", _number(_status(engine)["VmRSS"]), "the process of `harness up`: engine, application and witness"),
        ("postgres", _private_kib(postmaster), _POSTGRES),
    )
    return [
        Figure(case=("rss_mib", state, who), value=kib / 1024, unit="MiB", settings=how, comparable=comparable)
        for who, kib, how in measured
    ]


def _private_kib(postmaster: int) -> int:
    statuses = [_status(int(folder.name)) for folder in _PROC.iterdir() if folder.name.isdigit()]
    ours = [each for each in statuses if {each.get("PPid"), each.get("Pid")} & {str(postmaster)}]
    return sum(_number(each.get(name, "0")) for each in ours for name in ("RssAnon", "RssFile"))


def _status(pid: int) -> Mapping[str, str]:
    """What Linux says of a process; nothing if it has just ended."""
    try:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    parts = (line.partition(":") for line in lines)
    return {name: text.strip() for name, _, text in parts}


def _number(text: str) -> int:
    return int(text.split()[0])
