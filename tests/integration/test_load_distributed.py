"""A load that several Locust processes share, for real: what one process offers and counts, and who goes meanwhile."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from load.commands.distributed import free_port, master, run, worker
from load.commands.running import LOCUSTFILE, ROOT
from load.commands.running import run as run_alone
from load.commands.stack import LoadedStack, fresh_stack
from load.plan import Plan

# Looked for and not imported: locust would patch this process.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="the extra `load` is not installed")

SMALL = Plan(writers=3, readers=2, churners=0, storm=2, seconds=4.0, warm_up=1.0)
LONG = Plan(writers=2, readers=1, churners=0, storm=0, rate=5.0, seconds=10.0, warm_up=1.0, settle=2.0)


@pytest.fixture(scope="module")
def stack() -> Iterator[LoadedStack]:
    with fresh_stack(cadence="instant") as stack:
        yield stack


@contextmanager
def started(command: Sequence[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """In a session of its own, of which nobody is left afterwards."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file, start_new_session=True)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def living(session: int) -> bool:
    """Whether anybody of that session lives: a Locust process, or the publishing process that it has started."""
    return any(_session(process) == session for process in psutil.process_iter())


def _session(process: psutil.Process) -> int | None:
    """None of one that has ended, whether or not somebody has taken notice."""
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else os.getsid(process.pid)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return None


def wait_until(true: Any, *, within: float) -> bool:
    deadline = time.monotonic() + within
    while not true() and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(true())


def result(folder: Path) -> Mapping[str, Any]:
    told: Mapping[str, Any] = json.loads((folder / "result.json").read_text())
    return told


@contextmanager
def playing(
    stack: LoadedStack, folder: Path
) -> Iterator[tuple["subprocess.Popen[bytes]", Sequence["subprocess.Popen[bytes]"]]]:
    """A master and two workers in mid-run: each worker has said something."""
    folder.mkdir()
    port, parts = free_port(), [folder / f"own-{number}" for number in (1, 2)]
    with ExitStack() as all_:
        command = master(LONG, folder, stack, port=port, workers=2)
        mastering = all_.enter_context(started(command, folder / "locust.log"))
        workers = [
            all_.enter_context(started([*worker(stack, port=port), f"--folder={part}"], folder / f"{part.name}.log"))
            for part in parts
        ]
        assert wait_until(lambda: all(map(speaks, parts)), within=40), (folder / "locust.log").read_text()
        yield mastering, workers


def speaks(folder: Path) -> bool:
    part = folder / "latest" / "parts" / "publishing.jsonl"
    return part.exists() and '"f":"emit"' in part.read_text()


def test_two_workers_offer_and_count_what_one_process_does(stack: LoadedStack, tmp_path: Path) -> None:
    (tmp_path / "both").mkdir()

    run_alone(SMALL, tmp_path / "alone", stack)
    run(SMALL, tmp_path / "both", stack, workers=2)

    alone, both = result(tmp_path / "alone"), result(tmp_path / "both")
    assert (len(alone["workers"]), len(both["workers"])) == (0, 2)
    assert both["figures"]["events offered"] == alone["figures"]["events offered"] == 3 * 4 * 20
    assert sum(both["accounting"].values()) == sum(alone["accounting"].values()) == (2 + 2 / 3) * 3 * 4 * 20
    assert both["figures"]["lost silently"] == alone["figures"]["lost silently"] == 0
    assert {name: each["valid"] for name, each in both["checkers"].items()} == dict.fromkeys(both["checkers"], "valid")
    assert both["times"]["delivery"]["count"] > 0
    assert (tmp_path / "both" / "locust.html").exists()
    assert "their clocks to the master's" in (tmp_path / "both" / "locust.log").read_text()


def test_clocks_of_one_machine_are_found_to_be_together(stack: LoadedStack, tmp_path: Path) -> None:
    run(Plan(writers=1, readers=1, churners=0, storm=0, seconds=2.0, warm_up=1.0), tmp_path, stack, workers=1)

    (clock,) = result(tmp_path)["workers"]
    assert abs(clock["clock_offset_s"]) <= clock["within_s"] + 0.001
    assert clock["within_s"] < 0.1


def test_a_killed_worker_makes_the_run_unknown_and_is_named(stack: LoadedStack, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with playing(stack, folder) as (mastering, workers):
        workers[0].kill()
        code = mastering.wait(timeout=60)
        nobody = wait_until(lambda: not living(workers[0].pid), within=10)

    told = result(folder)
    (lost,) = [each for each in told["workers"] if each["process"] == workers[0].pid]
    named = f"worker {lost['worker']} ({lost['host']}, process {workers[0].pid}) went silent"
    assert (code, told["valid"], nobody) == (2, "unknown", True)
    assert named in told["claims"]["course of the run"]["reason"]
    assert "s after the load began" in told["claims"]["course of the run"]["reason"]
    assert named in (folder / "locust.log").read_text()
    assert told["figures"]["events offered"] == 5 * 10  # those of the other one
    assert told["figures"]["lost silently"] == 0


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_master_and_leave_nobody(
    ending: signal.Signals, stack: LoadedStack, tmp_path: Path
) -> None:
    with playing(stack, tmp_path / "run") as (mastering, workers):
        mastering.send_signal(ending)
        mastering.wait(timeout=15)

        assert [each.wait(timeout=40) for each in workers] == [2, 2]
        assert wait_until(lambda: not any(living(each.pid) for each in workers), within=10)


def test_fewer_workers_than_expected_are_one_sentence(tmp_path: Path) -> None:
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "locust", f"--locustfile={LOCUSTFILE}", "--headless", "--only-summary"),
            *("--master", "--master-bind-host=127.0.0.1", f"--master-bind-port={free_port()}"),
            *("--expect-workers=2", "--expect-workers-max-wait=1", f"--folder={tmp_path}"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ran.returncode == 2
    assert "harness: of 2 workers (--expect-workers) 0 came within 1 s (--expect-workers-max-wait)\n" in ran.stderr
