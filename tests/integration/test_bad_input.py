"""What users get wrong: each has a clear sentence and an exit code, and nothing is left behind."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.integration.command import Command, Up

HISTORIES = Path(__file__).parents[1] / "histories"
WRONG = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiIsImV4cCI6NDEwMjQ0NDgwMH0.c2lnbmVkLXdpdGgtc29tZXRoaW5nLWVsc2U"


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with Command.in_a_new_folder() as command:
        yield command


@pytest.fixture(scope="module")
def up(command: Command) -> Up:
    return command.up("--cadence", "instant")


# -- at the stack


def socket_url(up: Up, apikey: str | None) -> str:
    query = {"vsn": "2.0.0"} if apikey is None else {"apikey": apikey, "vsn": "2.0.0"}
    return f"{up.variables['REALTIME_URL']}/websocket?{urlencode(query)}"


@pytest.fixture
async def socket_(up: Up) -> AsyncIterator[ClientConnection]:
    async with connect(socket_url(up, up.variables["ANON_KEY"]), proxy=None) as connected:
        yield connected


async def answers(connected: ClientConnection, event: str) -> list[Any]:
    """The next message of that event."""
    async with asyncio.timeout(10):
        while True:
            message: list[Any] = json.loads(await connected.recv())
            if message[3] == event:
                return message


async def is_alive(connected: ClientConnection) -> bool:
    await connected.send(json.dumps([None, "beat", "phoenix", "heartbeat", {}]))
    reply = await answers(connected, "phx_reply")
    return bool(reply[1] == "beat" and reply[4]["status"] == "ok")


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (WRONG, "Failed to validate JWT signature"),
        ("no token at all", "The token provided is not a valid JWT"),
        (None, "API key is missing"),
    ],
)
async def test_a_wrong_token_is_refused_at_the_websocket(up: Up, token: str | None, words: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(socket_url(up, token), proxy=None)

    response = refused.value.response
    assert response.status_code == 401
    assert words in json.loads(response.body or b"")["error"]


async def test_a_token_that_has_expired_is_refused_at_the_websocket(command: Command, up: Up) -> None:
    expired = command.run("token", "--role", "anon", "--ttl", "-60").stdout.strip()

    with pytest.raises(InvalidStatus) as refused:
        await connect(socket_url(up, expired), proxy=None)

    assert refused.value.response.status_code == 401
    assert "expired" in json.loads(refused.value.response.body or b"")["error"]


@pytest.mark.parametrize("header", ["", f"Bearer {WRONG}", "Basic YWxpY2U6c2VjcmV0"])
async def test_a_wrong_token_is_refused_at_the_http_side(up: Up, header: str) -> None:
    url = f"{up.variables['APP_URL']}/api/articles/generation"

    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json={}, headers={"Authorization": header} if header else {}) as response,
    ):
        told = await response.json()

    assert response.status == 401
    assert "token" in told["error"]


@pytest.mark.parametrize("frame", ["{", "[]", '["1","2"]', "null", '{"topic": 1}', b"\xff\xff\xff", b""])
async def test_a_broken_frame_does_not_break_the_socket(socket_: ClientConnection, frame: str | bytes) -> None:
    await socket_.send(frame)

    assert await is_alive(socket_)


async def test_an_unknown_filter_column_is_told_in_the_real_words(socket_: ClientConnection) -> None:
    binding = {"event": "*", "schema": "public", "table": "process_events", "filter": "no_such_column=eq.1"}
    join = ["1", "1", "realtime:x", "phx_join", {"config": {"postgres_changes": [binding]}}]

    await socket_.send(json.dumps(join))
    reply, system = await answers(socket_, "phx_reply"), await answers(socket_, "system")

    assert reply[4]["status"] == "ok"
    told: Mapping[str, Any] = system[4]
    assert (told["status"], told["extension"]) == ("error", "postgres_changes")
    assert told["message"].startswith("Unable to subscribe to changes with given parameters.")
    assert "invalid column for filter no_such_column" in told["message"]
    assert await is_alive(socket_)


def test_a_taken_port_is_one_sentence(command: Command, up: Up) -> None:
    port = up.variables["API_URL"].rpartition(":")[2]

    done = [command.run("up", "--port", port), command.run("run", "full_flow", "--port", port)]

    sentence = f"harness: port {port} on 127.0.0.1 is taken: stop what listens there, or use --port 0 for a free one\n"
    assert [(one.returncode, one.stdout, one.stderr) for one in done] == [(2, "", sentence)] * 2


def test_several_runs_cannot_share_a_port(command: Command) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])

    done = command.run("run", "full_flow", "--port", port, "--seeds", "1-2", "--jobs", "2")

    assert done.returncode == 64
    assert "cannot share one --port: use --port 0 or --jobs 1" in done.stderr


# -- at the command line


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["run", "no_such"], 64, "no scenario 'no_such': give a path to a file or one of disconnect, full_flow"),
        (["run", "full_flow", "--no-such"], 64, "unrecognized arguments: --no-such"),
        (["up", "--host", "192.0.2.1"], 2, "cannot listen on 192.0.2.1, port 0: "),
        (["check", str(HISTORIES / "cut.jsonl")], 2, "line 42: the line is cut off; the 40 ops before it are intact"),
        (["check", str(HISTORIES / "newer_format.jsonl")], 2, "upgrade realtime-harness"),
    ],
    ids=lambda value: " ".join(value)[-40:] if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_one_sentence_on_stderr(
    command: Command, arguments: list[str], code: int, sentence: str
) -> None:
    done = command.run(*arguments)

    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("harness: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_programs_that_are_no_postgresql_are_refused_with_the_cure(command: Command) -> None:
    done = command.run("run", "full_flow", environment={"HARNESS_PG_BIN": "/nowhere"})

    assert (done.returncode, done.stdout) == (2, "")
    assert "HARNESS_PG_BIN" in done.stderr
    assert "/nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_that_has_no_stack_is_unknown_in_json_too(command: Command) -> None:
    done = command.run(
        "run", "full_flow", "late_join", "--json", "--jobs", "1", environment={"HARNESS_PG_BIN": "/nowhere"}
    )

    told = json.loads(done.stdout)
    assert (done.returncode, told["valid"]) == (2, "unknown")
    assert [(run["run"], run["valid"]) for run in told["runs"]] == [
        ("full_flow, seed 1", "unknown"),
        ("late_join, seed 1", "unknown"),
    ]


def test_runs_that_cannot_be_written_are_one_sentence(command: Command) -> None:
    (command.folder / "a_file").write_text("")

    done = command.run("run", "full_flow", "--runs", "a_file")

    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be written: Not a directory" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_one_sentence(command: Command) -> None:
    locked = command.folder / "locked"
    locked.mkdir(mode=0o500)

    done = command.run("run", "full_flow", "--runs", str(locked / "runs"))

    assert done.returncode == 2
    assert "cannot be written: Permission denied" in done.stderr


def test_a_story_that_stops_half_way_is_unknown_with_the_reason(command: Command) -> None:
    file = command.folder / "half.py"
    file.write_text(
        '"""Stops half-way."""\n'
        "from harness import Scenario, generators as gen\n"
        "from harness.checkers import Accounting, Order\n"
        "def story(rng):\n"
        '    yield gen.start_process("article", owner="alice")\n'
        '    yield gen.subscribe("reader", to="article", user="alice")\n'
        '    yield gen.wait_ready("reader")\n'
        '    yield gen.wait_for("reader", "process_resumed", timeout=1.0)\n'
        "scenario = Scenario(story=story, checkers=[Accounting(), Order()])\n"
    )

    done = command.run("run", str(file), "--cadence", "instant", "--pace", "50", "--json")

    verdict = json.loads(done.stdout)
    assert (done.returncode, verdict["valid"]) == (2, "unknown"), done.stderr
    assert verdict["checkers"]["story"]["reason"] == (
        "the story stopped at step 4 (WaitFor): reader had applied 0 of 1 process_resumed within 1 s: it is live"
    )
    assert verdict["checkers"]["accounting"]["valid"] == "valid"
    assert (command.latest / "report.html").read_text().count("process_resumed within 1 s") >= 1
