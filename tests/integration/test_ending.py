"""However a command ends, and whenever: no process and no data directory is left, and the history can be read."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.clients.realtime_js import MODULES, find_node
from harness.errors import ClientMissing, CorruptHistory
from harness.history import History
from harness.history.store import read
from tests.integration.command import Command, eventually

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
SLOWLY = ("--cadence", "instant", "--pace", "2")
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


@pytest.fixture
def commands() -> Iterator[list[Command]]:
    """One for each signal, to be used side by side."""
    with ExitStack() as stack:
        yield [stack.enter_context(Command.in_a_new_folder()) for _ in SIGNALS]


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


async def test_a_run_that_is_ended_in_its_middle_leaves_its_history_alone(commands: list[Command]) -> None:
    client = await an_official_client()
    runs = [command.start("run", "full_flow", *SLOWLY, "--client", client) for command in commands]
    assert eventually(lambda: all(in_the_middle(command) for command in commands), within=60)
    working = [command.processes() for command in commands]

    for process, by in zip(runs, SIGNALS, strict=True):
        process.send_signal(by)
    said = [process.communicate(timeout=20)[1] for process in runs]

    for lines in working:
        assert any("postgres" in line for line in lines)
        assert any("realtime_js.mjs" in line for line in lines) is (client == "js")
    nothing_is_left(commands)
    assert [process.returncode for process in runs] == [130, 130, -signal.SIGKILL]
    assert [lines.splitlines()[-1] for lines in said[:2]] == ["harness: interrupted; everything was taken down"] * 2
    for command, by in zip(commands, SIGNALS, strict=True):
        tells_its_prefix(command, killed=by is signal.SIGKILL)


def tells_its_prefix(command: Command, *, killed: bool) -> None:
    """The history can be read, says how it ended if it could, and is not judged as if it were whole."""
    history = history_of(command)
    again = command.run("check", "latest")

    assert history
    assert len(history.where(f="apply")) > 10
    assert again.returncode == 2, again.stdout
    assert "? story" in again.stdout or "the line is cut off" in again.stderr
    if not killed:
        last = history.where(f="step", type="fail")
        assert [(op.value.step, op.error) for op in last] == [("run", "it was interrupted")]
        assert {op.actor for op in history.where(f="view")} == {"reader-1", "reader-2"}


def test_a_stack_that_is_ended_leaves_nothing(commands: list[Command]) -> None:
    """A second Ctrl-C, and a third, do not cut the taking down short."""
    stacks = [command.start("up") for command in commands]
    for process in stacks:
        assert process.stdout is not None
        assert process.stdout.readline()

    for process, by in zip(stacks, SIGNALS, strict=True):
        process.send_signal(by)
    for _ in range(2):
        time.sleep(0.02)
        stacks[0].send_signal(signal.SIGINT)
    said = [process.communicate(timeout=20)[1] for process in stacks]

    assert [process.returncode for process in stacks] == [0, 0, -signal.SIGKILL], said
    assert "Traceback" not in "".join(said)
    nothing_is_left(commands)


def test_an_exec_that_is_ended_leaves_nothing(commands: list[Command]) -> None:
    running = [command.start("exec", "--", sys.executable, "-c", WAITING) for command in commands]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    for process, by in zip(running, SIGNALS, strict=True):
        process.send_signal(by)
    codes = [process.wait(timeout=20) for process in running]

    assert codes == [128 + signal.SIGINT, 128 + signal.SIGTERM, -signal.SIGKILL]
    nothing_is_left(commands)


def nothing_is_left(commands: list[Command]) -> None:
    assert eventually(lambda: not any(command.left() for command in commands)), [each.left() for each in commands]


def test_ctrl_c_while_a_stack_comes_up_leaves_nothing(commands: list[Command]) -> None:
    starting = [command.start("up") for command in commands]
    assert eventually(lambda: all(has_begun(process) for process in starting), within=20)

    for process in starting:
        process.send_signal(signal.SIGINT)
        time.sleep(0.4)
    said = "".join(process.communicate(timeout=20)[1] for process in starting)

    assert {process.returncode for process in starting} <= {0, 130}, said
    assert "Traceback" not in said
    nothing_is_left(commands)


def has_begun(process: "subprocess.Popen[str]") -> bool:
    """Whether it listens to SIGTERM: its imports are done."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
    return bool(caught & 1 << (signal.SIGTERM - 1))


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
