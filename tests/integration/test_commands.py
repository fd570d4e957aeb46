"""The commands as their users run them: processes, exit codes, stdout, run folders."""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import jwt
import pytest

from harness.clients.realtime_js import MODULES, find_node
from harness.clients.realtime_py import need_package
from harness.errors import ClientMissing
from harness.events.delivery_class import delivery_class
from harness.events.types import EVENT_TYPES
from harness.history import History
from harness.history.store import read
from harness.scenario import known
from harness.tokens import DEVELOPMENT_SECRET
from tests.integration.command import QUICK, Command, Up

VARIABLES = [
    "API_URL",
    "DB_URL",
    "ANON_KEY",
    "SERVICE_ROLE_KEY",
    "JWT_SECRET",
    "REALTIME_URL",
    "REALTIME_HTTP_URL",
    "APP_URL",
    "HARNESS_BACKEND",
]
TIMED = {"heartbeat", "process_completed", "user_input_required"}
"""What carries a time that passed in the run, or a time of the clock."""


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with Command.in_a_new_folder() as command:
        yield command


@pytest.fixture(scope="module")
def up(command: Command) -> Up:
    return command.up("--cadence", "instant")


class Twice:
    """`full_flow` run twice at once with the same seed."""

    def __init__(self, command: Command) -> None:
        self.done = command.run("run", "full_flow", *QUICK, "--seed", "7", "--repeat", "2", "--jobs", "2")
        self.folders = sorted((command.runs / "full_flow").iterdir())
        self.latest = command.latest.resolve()

    def verdict(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folders[0] / "verdict.json").read_text())
        return found

    def histories(self) -> list[History]:
        return [read(folder)[1] for folder in self.folders]


@pytest.fixture(scope="module")
def twice(command: Command) -> Twice:
    return Twice(command)


@pytest.fixture(scope="module")
def swept(command: Command) -> Mapping[str, Any]:
    """Every scenario once, in one command: exit code, and verdicts by scenario."""
    others = [name for name in known() if name != "full_flow"]
    done = command.run("run", *others, *QUICK, "--jobs", "4", "--json", timeout=110)
    whole = json.loads(done.stdout)
    return {"code": done.returncode, "valid": whole["valid"], **{run["scenario"]: run for run in whole["runs"]}}


def test_a_run_folder_holds_the_four_files_and_latest_leads_to_it(twice: Twice) -> None:
    assert twice.done.returncode == 0, twice.done.stderr
    assert [sorted(path.name for path in folder.iterdir()) for folder in twice.folders] == [
        ["history.jsonl", "junit.xml", "report.html", "verdict.json"]
    ] * 2
    assert twice.latest in twice.folders


MAY_BE: Mapping[str, tuple[str, ...]] = {"append": ("coalesced",), "latest": ("superseded",), "transition": ()}
"""What else may become of an event of that class by the reference's debouncer."""


def test_all_types_of_events_come_to_both_readers_live_or_by_the_fetch(twice: Twice) -> None:
    verdict = twice.verdict()

    assert (verdict["valid"], verdict["balanced"]) == ("valid", True)
    assert {name: one["valid"] for name, one in verdict["checkers"].items()} == dict.fromkeys(
        ["accounting", "order", "content", "convergence"], "valid"
    )
    assert len(EVENT_TYPES) == 16
    assert set(verdict["coverage"]) == set(verdict["by_type"]) == set(EVENT_TYPES)
    for event_type, bins in verdict["by_type"].items():
        came = {name for name, count in bins.items() if count}
        assert came <= {"delivered", "recovered", *MAY_BE[delivery_class(event_type)]}, event_type
        assert bins["delivered"] + bins["recovered"] >= 2, event_type
        assert sum(bins.values()) == 2 * verdict["coverage"][event_type]
    assert verdict["accounting"]["lost_silent"] == 0
    assert {sum(bins.values()) for bins in verdict["by_reader"].values()} == {sum(verdict["coverage"].values())}


def test_every_verdict_names_the_pace(twice: Twice) -> None:
    page = (twice.folders[0] / "report.html").read_text()

    assert twice.verdict()["pace"] == 50.0
    head = "✓ valid  full_flow, seed 7, on embedded, app reference, debounce lossless, pace 50, time factor 1\n"
    assert twice.done.stdout.count(head) == 2
    assert ">pace</td><td><code>50.0</code></td>" in page


def test_the_same_seed_gives_the_same_ids_and_texts(twice: Twice) -> None:
    first, second = (contents(history) for history in twice.histories())

    assert first == second
    assert len(first["section_chunk"]) == 24


def contents(history: History) -> dict[str, list[Any]]:
    """What the application said, by type and in order, without what depends on when."""
    found: dict[str, list[Any]] = {
        "process_id": [op.value.process_id for op in history.where(f="start_process", type="ok")]
    }
    for op in history.where(f="emit"):
        if op.value.event_type not in TIMED:
            found.setdefault(op.value.event_type, []).append(op.value.content)
    found["source"] = [op.value.sha256 for op in history.where(f="source")]
    return found


def test_ids_are_drawn_from_the_seed(twice: Twice) -> None:
    first, second = ([op.value.event_id for op in history.where(f="emit")] for history in twice.histories())
    shared = min(len(first), len(second))  # a heartbeat more or less is a matter of time

    assert first[:shared] == second[:shared]


@pytest.mark.parametrize("name", [name for name in known() if name != "full_flow"])
def test_every_scenario_is_valid(swept: Mapping[str, Any], name: str) -> None:
    checkers = {checker: one["valid"] for checker, one in swept[name]["checkers"].items()}

    assert set(checkers.values()) == {"valid"}, checkers
    assert swept[name]["valid"] == "valid"


def test_several_runs_are_one_object_with_the_worst_verdict(swept: Mapping[str, Any]) -> None:
    assert (swept["code"], swept["valid"]) == (0, "valid")


async def missing_client(name: str) -> str | None:
    try:
        if name == "js":
            await find_node(MODULES)
        else:
            need_package()
    except ClientMissing as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", ["js", "py"])
async def test_an_official_client_sees_the_whole_flow(command: Command, name: str) -> None:
    reason = await missing_client(name)
    if reason is not None:
        if os.environ.get("HARNESS_NO_SKIP") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    js_modules = {"HARNESS_JS_MODULES": str(MODULES)}

    done = command.run("run", "full_flow", *QUICK, "--client", name, "--json", environment=js_modules)

    verdict = json.loads(done.stdout)
    assert (done.returncode, verdict["valid"]) == (0, "valid"), done.stderr
    assert set(verdict["coverage"]) == set(EVENT_TYPES)
    assert verdict["accounting"]["delivered"] > verdict["accounting"]["recovered"]


def test_up_prints_its_environment_when_it_is_ready_and_ends_well(command: Command) -> None:
    process = command.start("up", *QUICK)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in VARIABLES]

    process.send_signal(signal.SIGTERM)
    rest, err = process.communicate(timeout=20)

    assert [line.partition("=")[0] for line in lines] == VARIABLES
    assert all(line.endswith('"\n') and '="' in line for line in lines)
    assert (process.returncode, rest) == (0, "")
    assert err.count("ready at http://127.0.0.1:") == 1


async def test_a_run_attaches_to_a_stack_that_is_up_and_leaves_nothing_in_it(command: Command, up: Up) -> None:
    file = up.file(command.folder / "stack.env")
    before = await objects(up.variables["DB_URL"])

    done = [command.run("run", "full_flow", "--pace", "50", "--env-file", file, "--json") for _ in range(2)]

    after, rows = await objects(up.variables["DB_URL"]), await processes(up.variables["DB_URL"])
    header, history = read(command.latest)
    verdicts = [json.loads(one.stdout) for one in done]
    assert [one.returncode for one in done] == [0, 0], done[0].stderr
    assert [verdict["backend"] for verdict in verdicts] == ["attached", "attached"]
    assert {checker["valid"] for verdict in verdicts for checker in verdict["checkers"].values()} == {"valid"}
    assert header["hops"] == ["emit", "debounce", "insert", "commit", "receive", "deliver", "apply"]
    assert {op.f for op in history} >= set(header["hops"])
    assert header["stack"] == "embedded"
    assert header["versions"]["postgresql"].split(".")[0].isdigit()
    assert (after, rows, up.process.poll()) == (before, 2, None)


async def objects(url: str) -> list[tuple[str, str]]:
    """What the witness of a run might leave in a database; the server's own slot comes with its first reader."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "select 'slot', slot_name::text from pg_replication_slots where slot_name like 'harness%' "
            "union all select 'publication', pubname::text from pg_publication order by 1, 2"
        )
    finally:
        await connection.close()
    return [(row[0], row[1]) for row in rows]


async def processes(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("select count(*) from generated_articles_state"))
    finally:
        await connection.close()


def test_a_stack_without_the_tables_is_refused_with_the_cure(command: Command, up: Up) -> None:
    file = up.file(command.folder / "stack.env")

    done = command.run("run", "full_flow", "--env-file", file, "--schema", "nowhere")

    assert (done.returncode, done.stdout) == (2, "")
    assert "has no table process_events and no generated_articles_state in schema 'nowhere'" in done.stderr
    assert "--schema" in done.stderr


def test_a_stack_that_is_gone_is_told_so_without_its_password(command: Command, up: Up) -> None:
    gone = {**up.variables, "DB_URL": "postgresql://postgres:sesame@127.0.0.1:1/postgres"}
    file = Up(up.process, gone).file(command.folder / "gone.env")

    done = command.run("run", "full_flow", "--env-file", file)

    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing answers at 127.0.0.1:1" in done.stderr
    assert "is `harness up` still running?" in done.stderr
    assert "sesame" not in done.stderr


def test_a_recorded_history_is_judged_again_and_reported_again(command: Command, twice: Twice) -> None:
    run = str(twice.folders[0])
    (twice.folders[0] / "report.html").unlink()

    checked = command.run("check", run, "--json")
    reported = command.run("report", run)
    opened = command.run("open", run, "--json")

    path = f"{run}/report.html"
    assert (checked.returncode, json.loads(checked.stdout)) == (0, twice.verdict())
    assert (reported.returncode, reported.stdout) == (0, f"{path}\n")
    assert (opened.returncode, json.loads(opened.stdout)) == (0, {"report": path, "opened": False})
    assert Path(path).is_file()


def test_check_tells_each_history_and_returns_the_worst(command: Command) -> None:
    histories = Path(__file__).parents[1] / "histories"
    names = [str(histories / f"{name}.jsonl") for name in ("clean", "cut", "lost_silently")]

    done = command.run("check", *names)

    assert done.returncode == 1
    assert "✓ valid  clean" in done.stdout
    assert "✗ invalid  lost_silently" in done.stdout
    assert done.stderr.startswith(f"harness: {names[1]}, line 42: the line is cut off")


def test_the_list_teaches_name_title_and_checkers(command: Command) -> None:
    told = command.run("list")
    listed = json.loads(command.run("list", "--json").stdout)["scenarios"]

    assert [one["name"] for one in listed] == list(known())
    assert all(one["title"] in told.stdout and one["checkers"] for one in listed)


def test_a_reader_that_goes_away_ends_the_command_quietly(command: Command) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    done = command.run("list", stdout=writing)

    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("environment", "sign"),
    [
        ({"PYTHONIOENCODING": "ascii"}, "\\u2713 valid"),
        ({"FORCE_COLOR": "1"}, "\x1b[32m✓ valid\x1b[0m"),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, "✓ valid"),
    ],
)
def test_the_summary_suits_the_terminal(command: Command, environment: dict[str, str], sign: str) -> None:
    clean = str(Path(__file__).parents[1] / "histories" / "clean.jsonl")

    done = command.run("check", clean, environment=environment)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{sign}  clean, seed 7")


def test_a_token_is_that_of_the_stack(command: Command) -> None:
    sub = "6f1b1c1e-5d57-4d1f-9a55-0f6f3a1c2b10"
    own = "a-secret-of-our-own-that-is-long-enough"

    default = command.run("token", "--role", "authenticated", "--sub", sub, "--ttl", "600")
    given = command.run("token", "--role", "anon", "--json", environment={"JWT_SECRET": own})
    expired = command.run("token", "--role", "anon", "--ttl", "-60")

    claims = jwt.decode(default.stdout.strip(), DEVELOPMENT_SECRET, algorithms=["HS256"], audience="authenticated")
    assert (claims["role"], claims["sub"], claims["exp"] - claims["iat"]) == ("authenticated", sub, 600)
    signed = json.loads(given.stdout)["token"]
    assert jwt.decode(signed, own, algorithms=["HS256"], audience="authenticated")["role"] == "anon"
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(expired.stdout.strip(), DEVELOPMENT_SECRET, algorithms=["HS256"], audience="authenticated")
