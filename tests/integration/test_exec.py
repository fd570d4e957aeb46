"""`harness exec`: a stack around the user's own command, which finds it in the environment and nowhere else."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from harness.backends.environment import Environment
from harness.clients.realtime_js import MODULES, find_node
from harness.clients.realtime_py import need_package
from harness.errors import ClientMissing
from tests.integration.command import Command

WITH_PYTHON = """
import asyncio, json, os
import asyncpg
from realtime import AsyncRealtimeClient

USER = "11111111-1111-4111-8111-111111111111"

async def main():
    got, ready = asyncio.Queue(), asyncio.Event()
    client = AsyncRealtimeClient(f"{os.environ['API_URL']}/realtime/v1", os.environ["ANON_KEY"])
    channel = client.channel("notes")
    channel.on_postgres_changes("INSERT", schema="public", table="notes", callback=got.put_nowait)
    channel.on_system(lambda told: ready.set() if told.status == "ok" else None)
    await channel.subscribe()
    await asyncio.wait_for(ready.wait(), 20)
    await database.execute("insert into notes values (1, '木の家')")
    change = await asyncio.wait_for(got.get(), 20)
    print(json.dumps(change["data"]["record"], ensure_ascii=False))
    await client.close()

async def with_database():
    global database
    database = await asyncpg.connect(os.environ["DB_URL"])
    await database.execute(
        "create table notes (id int primary key, body text);"
        "grant select on notes to anon;"
        "alter publication supabase_realtime add table notes"
    )
    await main()
    await database.close()

asyncio.run(with_database())
"""

# What supabase-js does with the same two variables: createClient(API_URL, ANON_KEY).
WITH_JAVASCRIPT = """
import { createRequire } from "node:module";
import { execFileSync } from "node:child_process";
const require = createRequire(process.env.MODULES + "/");
const { RealtimeClient } = require("@supabase/realtime-js");
const transport = require("ws");

const url = process.env.API_URL.replace("http", "ws") + "/realtime/v1";
const client = new RealtimeClient(url, { params: { apikey: process.env.ANON_KEY }, transport });
const sql = (text) => execFileSync(process.env.PYTHON, ["-c", `
import asyncio, asyncpg, os, sys
async def main():
    database = await asyncpg.connect(os.environ["DB_URL"])
    await database.execute(sys.argv[1])
    await database.close()
asyncio.run(main())`, text], { stdio: "inherit" });

sql(`create table notes (id int primary key, body text); grant select on notes to anon;
     alter publication supabase_realtime add table notes`);
client.channel("notes")
  .on("postgres_changes", { event: "INSERT", schema: "public", table: "notes" }, (change) => {
    console.log(JSON.stringify(change.new));
    client.disconnect();
    process.exit(0);
  })
  .on("system", {}, (told) => { if (told.status === "ok") sql("insert into notes values (1, '木の家')"); })
  .subscribe();
setTimeout(() => process.exit(3), 20000);
"""


@pytest.fixture
def command() -> Iterator[Command]:
    with Command.in_a_new_folder() as command:
        yield command


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Command, str]]:
    """For what has nothing to do with the stack: the variables of one, as a file for `--env-file`."""
    names = [field.name.upper() for field in fields(Environment)]
    with Command.in_a_new_folder() as command:
        file = command.folder / "stack.env"
        file.write_text("".join(f'{name}="of-a-stack-that-is-up-{name.lower()}"\n' for name in names))
        yield command, str(file)


@pytest.fixture
def attached(shared: tuple[Command, str]) -> Callable[..., "subprocess.Popen[str]"]:
    """Starts a command with `exec` on that stack."""
    command, file = shared
    return lambda *words, **streams: command.start("exec", "--env-file", file, "--", *words, **streams)


def missing(reason: ClientMissing) -> None:
    if os.environ.get("HARNESS_NO_SKIP") == "1":
        pytest.fail(str(reason))
    pytest.skip(str(reason))


def test_the_official_python_client_needs_only_two_variables(command: Command) -> None:
    try:
        need_package()
    except ClientMissing as reason:
        missing(reason)

    done = command.run("exec", "--", sys.executable, "-c", WITH_PYTHON)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"id": 1, "body": "木の家"}
    assert not command.left()


async def test_the_official_javascript_client_needs_only_two_variables(command: Command) -> None:
    node = ""
    try:
        node = await find_node(MODULES)
    except ClientMissing as reason:
        missing(reason)
    script = command.folder / "my_test.mjs"
    script.write_text(WITH_JAVASCRIPT)
    told = {"MODULES": str(MODULES), "PYTHON": sys.executable}

    done = command.run("exec", "--", node, str(script), environment=told)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"id": 1, "body": "木の家"}
    assert not command.left()


def test_a_stack_is_there_soon(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()

    done = command.run("exec", "--", "date", "+%s.%N")
    took = time.monotonic() - began

    with capsys.disabled():
        sys.stdout.write(f"\nharness exec: stack up, command run and all taken down in {took:.1f} s\n")
    assert done.returncode == 0
    assert took < 10


def test_the_exit_code_and_the_streams_are_those_of_the_command(
    attached: Callable[..., "subprocess.Popen[str]"],
) -> None:
    script = "import sys; print(sys.stdin.read().upper()); print('to stderr', file=sys.stderr); sys.exit(7)"

    process = attached(sys.executable, "-c", script, stdin=subprocess.PIPE)
    out, err = process.communicate("from stdin", timeout=20)

    assert (process.returncode, out, err) == (7, "FROM STDIN\n", "to stderr\n")


def test_a_command_that_was_killed_is_told_as_a_shell_tells_it(
    attached: Callable[..., "subprocess.Popen[str]"],
) -> None:
    assert attached("sh", "-c", "kill -KILL $$").wait(20) == 128 + signal.SIGKILL


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_go_on_to_the_command_which_decides_what_they_mean(
    attached: Callable[..., "subprocess.Popen[str]"], by: signal.Signals
) -> None:
    process = attached("sh", "-c", f"trap 'echo got it; exit 5' {by.value}; echo ready; while :; do sleep 0.05; done")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"

    process.send_signal(by)
    out, _ = process.communicate(timeout=20)

    assert (process.returncode, out) == (5, "got it\n")


def test_a_command_that_ignores_sigterm_is_killed_after_a_while(
    attached: Callable[..., "subprocess.Popen[str]"],
) -> None:
    process = attached("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"

    process.terminate()

    assert process.wait(20) == 128 + signal.SIGKILL


def test_the_variables_are_those_of_the_stack_that_is_up(attached: Callable[..., "subprocess.Popen[str]"]) -> None:
    out, _ = attached(sys.executable, "-c", "import os; print(os.environ['API_URL'])").communicate(timeout=20)

    assert out == "of-a-stack-that-is-up-api_url\n"


def test_a_command_that_is_not_there_is_wrong_usage_and_leaves_no_stack(command: Command) -> None:
    done = command.run("exec", "--", "/nowhere/command")

    assert (done.returncode, done.stderr) == (64, "harness: cannot run /nowhere/command: No such file or directory\n")
    assert not command.left()


def test_what_is_no_option_of_exec_is_not_taken_for_the_command(command: Command) -> None:
    done = command.run("exec", "--cadance", "instant", "--", "true")

    assert done.returncode == 64
    assert "--cadance" in done.stderr


def test_ctrl_c_of_a_terminal_reaches_the_command_once(shared: tuple[Command, str], tmp_path: Path) -> None:
    """The terminal sends it to all of its foreground; one that we sent on would come as a second."""
    script = tmp_path / "count.sh"
    script.write_text(
        "n=0; trap 'n=$((n+1))' INT; echo ready; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done; exit $n\n"
    )
    terminal = (
        "import os, pty, signal, sys\n"
        "pid, fd = pty.fork()\n"
        "command = [sys.executable, '-m', 'harness', 'exec', '--env-file', sys.argv[2], '--', 'sh', sys.argv[1]]\n"
        "if pid == 0: os.execvp(command[0], command)\n"
        "said = b''\n"
        "while b'ready' not in said: said += os.read(fd, 1024)\n"
        "os.write(fd, b'\\x03')\n"
        "try:\n"
        "    while os.read(fd, 1024): pass\n"
        "except OSError: pass\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", terminal, str(script), shared[1]],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1, done.stderr


def test_a_hangup_that_is_ignored_ends_nothing(shared: tuple[Command, str]) -> None:
    """As `nohup harness up` wants it."""
    ours = [sys.executable, "-m", "harness", "exec", "--env-file", shared[1], "--", "sh", "-c", "echo ready; sleep 1"]
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *ours], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"

    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=20)

    assert (process.returncode, err) == (0, "")
