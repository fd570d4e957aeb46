"""However a command ends, and whenever: no process and no data directory is left, and the history can be read."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.clients.realtime_js import MODULES, find_node
from harness.errors import ClientMissing, CorruptHistory
from harness.history import History
from harness.history.store import read
from tests.integration.command import Command, eventually

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
SLOWLY = ("--cadence", "instant", "--pace", "5")
"""So that a run takes long enough to be ended in its middle."""

WAITING = """
import os, time
parent = os.getppid()
print("ready", flush=True)
while os.getppid() == parent:  # a command outlives a harness that is killed, as that of any shell does
    time.sleep(0.05)
"""
UNTIL_IT_ENDS = '''"""Waits for the end of an article."""
from harness import Scenario, generators as gen
from harness.checkers import Accounting

def story(rng):
    yield gen.start_process("article", owner="alice")
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.answer_question("reader", "SELECT_PERSONA")
    yield gen.wait_for("reader", "process_completed", timeout=5.0)

scenario = Scenario(story=story, checkers=[Accounting()])
'''


@pytest.fixture
def command() -> Iterator[Command]:
    with Command.in_a_new_folder() as command:
        yield command


async def an_official_client() -> str:
    """The one with a child process of its own, where it is installed."""
    try:
        await find_node(MODULES)
    except ClientMissing:
        return "native"
    return "js"


def history_of(command: Command) -> History | None:
    """The ops that are readable now: of a history that is being written, or was cut, the lines before the last."""
    try:
        return read(command.latest)[1]
    except CorruptHistory as cut:
        if "the line is cut off" not in str(cut):
            raise
        whole = (command.latest / "history.jsonl").read_bytes().splitlines(keepends=True)[: cut.line - 1]
        copy = command.folder / "prefix.jsonl"
        copy.write_bytes(b"".join(whole))
        return read(copy)[1]


def in_the_middle(command: Command) -> bool:
    """Whether a run has come so far that a reader shows something."""
    file = command.latest / "history.jsonl"
    return file.exists() and file.read_bytes().count(b'"f":"apply"') > 10


def ended(process: "subprocess.Popen[str]", by: signal.Signals) -> str:
    """What it said on stderr."""
    process.send_signal(by)
    return process.communicate(timeout=20)[1]


@pytest.mark.parametrize("by", SIGNALS)
async def test_a_run_that_is_ended_in_its_middle_leaves_its_history_alone(command: Command, by: signal.Signals) -> None:
    client = await an_official_client()
    process = command.start("run", "full_flow", *SLOWLY, "--client", client)
    assert eventually(lambda: in_the_middle(command), within=30), process.communicate()[1]
    working = command.processes()

    said = ended(process, by)

    assert any("postgres" in line for line in working)
    assert any("realtime_js.mjs" in line for line in working) is (client == "js")
    assert eventually(lambda: not command.left()), command.left()
    history = history_of(command)
    assert history
    assert len(history.where(f="apply")) > 10
    if by is signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert (process.returncode, said.splitlines()[-1]) == (130, "harness: interrupted; everything was taken down")
        last = history.where(f="step", type="fail")
        assert [(op.value.step, op.error) for op in last] == [("run", "it was interrupted")]
        assert {op.actor for op in history.where(f="view")} == {"reader-1", "reader-2"}


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_did_not_come_to_its_end_is_not_judged_as_if_it_had(command: Command, by: signal.Signals) -> None:
    process = command.start("run", "full_flow", *SLOWLY)
    assert eventually(lambda: in_the_middle(command), within=30), process.communicate()[1]
    ended(process, by)
    assert eventually(lambda: not command.left()), command.left()

    done = command.run("check", "latest")

    assert done.returncode == 2
    assert "? story" in done.stdout or "the line is cut off" in done.stderr


@pytest.mark.parametrize("by", SIGNALS)
def test_a_stack_that_is_ended_leaves_nothing(command: Command, by: signal.Signals) -> None:
    up = command.up()

    code, said = up.end(by)

    assert code == (-signal.SIGKILL if by is signal.SIGKILL else 0), said
    assert eventually(lambda: not command.left()), command.left()


@pytest.mark.parametrize("by", SIGNALS)
def test_an_exec_that_is_ended_leaves_nothing(command: Command, by: signal.Signals) -> None:
    process = command.start("exec", "--", sys.executable, "-c", WAITING)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"

    process.send_signal(by)
    process.wait(timeout=20)

    assert process.returncode == (-signal.SIGKILL if by is signal.SIGKILL else 128 + by)
    assert eventually(lambda: not command.left()), command.left()


@pytest.mark.parametrize("after", [0.3, 0.8, 1.1, 1.4])
def test_ctrl_c_while_a_stack_comes_up_leaves_nothing(command: Command, after: float) -> None:
    process = command.start("up")
    assert eventually(lambda: has_begun(process), within=20)
    time.sleep(after)

    said = ended(process, signal.SIGINT)

    assert process.returncode in (0, 130), said
    assert "Traceback" not in said
    assert eventually(lambda: not command.left()), command.left()


def has_begun(process: "subprocess.Popen[str]") -> bool:
    """Whether it listens to SIGTERM: its imports are done."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
    return bool(caught & 1 << (signal.SIGTERM - 1))


def test_a_second_ctrl_c_does_not_cut_the_taking_down_short(command: Command) -> None:
    up = command.up()

    for _ in range(3):
        up.process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    out, said = up.process.communicate(timeout=20)

    assert (up.process.returncode, out) == (0, "")
    assert "Traceback" not in said
    assert not command.left()


def test_a_hangup_that_is_ignored_ends_nothing(command: Command) -> None:
    """As `nohup harness up` wants it."""
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" HUP; exec "$0" -m harness up --json', sys.executable],
        env={**os.environ, "TMPDIR": str(command.folder / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    command.started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline()

    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    still_up = process.poll() is None
    ended(process, signal.SIGTERM)

    assert (still_up, process.returncode) == (True, 0)
    assert eventually(lambda: not command.left()), command.left()


def test_a_database_that_dies_ends_a_run_with_a_reason(command: Command) -> None:
    story = command.folder / "until_it_ends.py"
    story.write_text(UNTIL_IT_ENDS)
    process = command.start("run", str(story), *SLOWLY, "--json")
    assert eventually(lambda: in_the_middle(command), within=30), process.communicate()[1]

    os.kill(postmaster(command), signal.SIGKILL)
    out, said = process.communicate(timeout=60)

    assert "Traceback" not in said
    assert process.returncode in (1, 2), said
    assert json.loads(out)["checkers"]["story"]["valid"] == "unknown"
    assert eventually(lambda: not command.left()), command.left()


def postmaster(command: Command) -> int:
    (file,) = (command.folder / "tmp").glob("*/data/postmaster.pid")
    return int(file.read_text().splitlines()[0])


def test_a_stack_whose_database_died_is_still_taken_down_well(command: Command) -> None:
    up = command.up()
    os.kill(postmaster(command), signal.SIGKILL)
    time.sleep(0.3)

    code, said = up.end()

    assert "Traceback" not in said
    assert code == 0, said
    assert eventually(lambda: not command.left()), command.left()
