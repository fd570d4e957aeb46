"""What is told of processes, from a history written by hand."""

from typing import Any

import pytest

from harness.history import History, Op
from harness.history.op import Value
from load.judging.usage import Usage, usage_by_second, usage_figures, used

Told = tuple[float, str, dict[str, Any]]


def emit(time: float) -> Told:
    return time, "emit", {"process_id": "p", "event_id": f"e{time}"}


def usage(time: float, process: str, cpu: float, mib: float, files: int | None = None) -> Told:
    value: dict[str, Any] = {"process": process, "cpu": cpu, "rss_mib": mib}
    return time, "usage", value if files is None else {**value, "files_left": files}


def history(*told: Told) -> History:
    return History(
        Op(index=index, time=time, actor="machine", f=f, type="ok", value=Value(value))
        for index, (time, f, value) in enumerate(told)
    )


SMALL = history(
    usage(1.0, "engine", 0.9, 60.0, files=100),
    usage(1.0, "locust", 0.1, 70.0),
    emit(2.0),
    usage(2.5, "engine", 0.2, 61.0, files=90),
    usage(3.5, "engine", 0.4, 62.0, files=95),
    emit(4.0),
    usage(4.5, "engine", 0.0, 63.0, files=99),
)


def test_cores_are_those_while_events_were_said_and_memory_is_the_last() -> None:
    assert usage_figures(SMALL) == {
        "engine cpu cores": pytest.approx(0.3),
        "engine memory MiB": 63.0,
        "locust cpu cores": None,
        "locust memory MiB": 70.0,
        "file descriptors left": 90,
    }


def test_who_was_not_measured_has_no_figures() -> None:
    assert usage_figures(history(emit(1.0))) == {}


def test_processes_come_in_the_order_of_the_table() -> None:
    told = history(
        usage(1.0, "publishing", 0.1, 1.0), usage(1.0, "locust-2", 0.1, 1.0), usage(1.0, "postgres", 0.1, 1.0)
    )

    assert list(used(told)) == ["postgres", "publishing", "locust-2"]
    assert used(told)["postgres"] == [Usage(at=1.0, process="postgres", cpu=0.1, mib=1.0)]


def test_seconds_count_from_the_beginning_of_the_load() -> None:
    told = usage_by_second(SMALL, begin=2.0)

    assert told["engine"][:2] == [
        {"second": -1.0, "cpu": 0.9, "mib": 60.0},
        {"second": 0.5, "cpu": 0.2, "mib": 61.0},
    ]
