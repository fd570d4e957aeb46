"""Every kind of step that is no user's own, performed on a real stack, and what cannot be performed, told."""

import asyncio
import json
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest

from harness import Scenario
from harness import generators as gen
from harness.backends.options import StackOptions
from harness.batch import RunRequest, perform
from harness.checkers import Accounting, Order, Valid
from harness.clients.realtime_py import need_package
from harness.errors import ClientMissing
from harness.faults import BlackHole, Offline, SlowCommit, TabHidden
from harness.generators import Step
from harness.history import History, Op
from harness.history.store import read
from harness.judgement import Judgement
from harness.outcome import Failure
from harness.tokens import DEVELOPMENT_SECRET
from tests.integration.command import Command, Up, eventually

PUBLICATION = "supabase_realtime"
FACTOR = 10.0
SLACK_S = 0.2
"""Of the run: 20 ms of the machine, by which the clocks of PostgreSQL and of this process may differ, and its work."""

SCRIPTED = gen.simulation(scripted=True)
EVERYTHING = {"event": "*", "schema": "public", "table": "process_events"}
INSERTED = {**EVERYTHING, "event": "INSERT", "filter": "process_id=eq.{article}"}
OLD = """
update {schema}.process_events
set created_at = now() - interval '91 days', archived = true, expires_at = now() - interval '1 day'
where process_id = '{article}' and event_type = 'research_progress'
"""
SLOW = SlowCommit(seconds=2.0, every=1)
CUT_OFF = Offline(link="reader")


def said(rng: Random) -> Iterator[Step]:
    """What happens behind the users' backs."""
    yield gen.start_process("article", owner="alice", simulation=SCRIPTED)
    yield gen.listen("ear", INSERTED, EVERYTHING, user="alice")
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait_ready("reader")
    yield gen.census("before")
    yield gen.emit("article", gen.step_completed("editing"))
    yield gen.bulk("article", 5)
    yield gen.wait_for("reader", "research_progress", count=5)
    yield gen.sql(OLD)
    yield gen.clean_up()
    yield gen.read_back("article")
    yield gen.leave("reader")
    yield gen.census("after")
    yield gen.settle()


def lived(rng: Random) -> Iterator[Step]:
    """What befalls two pages and their stack."""
    yield gen.start_process("article", owner="alice", simulation=gen.simulation(held=True, ask=False, sections=1))
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.subscribe("guest", to="article", user="alice", signed_in=False)
    yield gen.wait_ready("reader")
    yield gen.sign_in("guest")
    yield gen.wait_ready("guest")
    yield gen.remount("reader")
    yield gen.wait_status("reader", "live")
    yield gen.begin(SLOW)
    yield gen.release("article")
    yield gen.wait_committed("article", "step_completed")
    yield gen.end(SLOW)
    yield gen.begin(CUT_OFF)
    yield gen.wait_status("reader", "offline")
    yield gen.wait_committed("article", "process_completed")
    yield gen.end(CUT_OFF)
    yield gen.wait_for("reader", "process_completed")
    yield gen.settle()


def waited(rng: Random) -> Iterator[Step]:
    """Faults come by themselves."""
    yield gen.start_process("article", owner="alice", simulation=SCRIPTED)
    yield gen.subscribe("reader", to="article", user="alice")
    yield gen.wait(30.0)


def played(
    story: Callable[[Random], Iterator[Step]], runs: Path, *, client: str = "native", factor: float = 1.0, **more: Any
) -> Judgement:
    """A run of the story on a stack of its own."""
    scenario = Scenario(story=story, checkers=[Accounting(), Order()], name=story.__name__, title="A title.", **more)
    request = RunRequest(
        scenarios=(),
        seeds=(1,),
        repeat=1,
        jobs=1,
        client=client,
        runs=runs,
        js_modules=None,
        as_json=False,
        time_factor=factor,
    )
    options = StackOptions(cadence="instant", limits="off", jwt_secret=DEVELOPMENT_SECRET)
    outcome = asyncio.run(perform(scenario, 1, request, options))
    assert not isinstance(outcome, Failure), outcome.error
    return outcome


def failures(history: History) -> list[str]:
    return [f"{op.value.step}: {op.error}" for op in history.where(f="step", type="fail")]


@pytest.fixture(scope="module")
def of_said(tmp_path_factory: pytest.TempPathFactory) -> Judgement:
    return played(said, tmp_path_factory.mktemp("said"))


@pytest.fixture(scope="module")
def of_lived(tmp_path_factory: pytest.TempPathFactory) -> Judgement:
    return played(lived, tmp_path_factory.mktemp("lived"), factor=FACTOR)


def process_id(history: History) -> str:
    found: str = history.where(f="start_process", type="ok")[0].value.process_id
    return found


def test_both_stories_are_told_to_their_ends_and_nothing_is_lost(of_said: Judgement, of_lived: Judgement) -> None:
    assert failures(of_said.history) == failures(of_lived.history) == []
    assert of_said.verdicts["order"].valid is of_lived.verdicts["order"].valid is Valid.YES
    assert of_lived.verdicts["accounting"].valid is Valid.YES


def test_an_event_is_emitted_inserted_committed_and_applied(of_said: Judgement) -> None:
    told = of_said.history.where(event_type="step_completed")

    assert [op.f for op in told if op.f in ("emit", "commit", "apply")] == ["emit", "commit", "apply"]


def test_many_events_are_committed_in_one_transaction(of_said: Judgement) -> None:
    commits = of_said.history.where(f="commit", event_type="research_progress", action="INSERT")

    assert [op.value.sequence for op in commits] == [2, 3, 4, 5, 6]
    assert len({op.value.commit_timestamp for op in commits}) == 1


def test_a_listener_hears_what_it_asked_for_and_says_by_which_handler(of_said: Judgement) -> None:
    heard = [op for op in of_said.history.where(f="receive") if op.actor == "ear"]

    actions = [op.value.action for op in heard]
    assert [actions.count(action) for action in ("INSERT", "UPDATE", "DELETE")] == [6, 5, 5]
    handlers = {(op.value.action, tuple(op.value.handlers)) for op in heard}
    assert handlers == {("INSERT", (0, 1)), ("UPDATE", (1,)), ("DELETE", (1,))}
    assert heard[0].value.record["event_type"] == "step_completed"
    assert set(heard[-1].value.old_record) == {"id"}


def test_the_cleanup_deletes_what_has_expired_and_the_rest_is_read_back(of_said: Judgement) -> None:
    (cleaned,) = of_said.history.where(f="cleanup", type="ok")
    rows = of_said.history.where(f="read_back")

    assert cleaned.value.deleted == 5
    assert [(op.value.event_type, op.value.sequence) for op in rows] == [("step_completed", 1)]
    assert rows[0].value.record["event_data"] == {"step": "editing", "result": {}}


def test_a_census_counts_what_everybody_keeps(of_said: Judgement) -> None:
    before, after = (op.value.counts for op in of_said.history.where(f="census"))

    names = ("engine.channels", "engine.subscriptions", "app.flows", "reader.channels")
    assert [before[name] for name in names] == [3, 4, 0, 2]
    assert after["reader.channels"] == 0
    assert after["engine.channels"] < before["engine.channels"]


def test_who_is_not_signed_in_joins_nothing_until_it_is(of_lived: Judgement) -> None:
    history = of_lived.history

    (signed_in,) = history.where(f="sign_in")
    joins = [op for op in history.where(f="join", type="invoke") if op.actor == "guest"]
    assert signed_in.actor == "guest"
    assert len(joins) == 2
    assert all(op.index > signed_in.index for op in joins)


def test_a_page_that_is_put_up_again_joins_afresh_and_is_live_again(of_lived: Judgement) -> None:
    history = of_lived.history

    (remounted,) = history.where(f="remount")
    later = [op for op in history if op.actor == "reader" and op.index > remounted.index]
    assert [op.f for op in later if op.f == "join" and op.type == "invoke"][:2] == ["join", "join"]
    statuses = [op.value.status for op in later if op.f == "status"]
    assert statuses.index("live") > 0


def stretch(history: History, fault: str) -> tuple[Op, Op]:
    """When it began and ended."""
    begun, ended = history.where(f="fault", fault=fault)
    assert (begun.type, ended.type, begun.actor) == ("invoke", "ok", "nemesis")
    return begun, ended


def inserts(history: History) -> list[tuple[Op, Op]]:
    """The question and the answer of each."""
    asked = {op.value.event_id: op for op in history.where(f="insert", type="invoke")}
    return [(asked[op.value.event_id], op) for op in history.where(f="insert", type="ok")]


def test_a_fault_of_the_database_holds_from_its_beginning_to_its_end(of_lived: Judgement) -> None:
    begun, ended = stretch(of_lived.history, "slow_commit")

    for asked, answered in inserts(of_lived.history):
        took = answered.time - asked.time
        if begun.index < asked.index and answered.index < ended.index:
            assert took >= SLOW.seconds
        elif asked.index > ended.index:
            assert took < SLOW.seconds


def test_a_fault_of_a_link_breaks_that_of_its_reader_and_the_reader_comes_back(of_lived: Judgement) -> None:
    history = of_lived.history
    begun, ended = stretch(history, "offline")

    closes = [op.actor for op in history.where(f="close") if begun.index <= op.index <= ended.index]
    opens = [op for op in history.where(f="open", type="ok") if op.actor == "reader" and op.index > ended.index]
    assert set(closes) == {"reader"}
    assert opens


def test_a_commit_lies_within_its_insert_whatever_the_time_factor(of_lived: Judgement) -> None:
    history = of_lived.history
    commits = {op.value.event_id: op for op in history.where(f="commit") if "event_id" in op.value}

    assert of_lived.header["time_factor"] == FACTOR
    pairs = inserts(history)
    assert len(pairs) > 10
    for asked, answered in pairs:
        commit = commits[asked.value.event_id]
        assert asked.time - SLACK_S <= commit.value.at <= answered.time + SLACK_S
        assert commit.time >= commit.value.at - SLACK_S


def test_faults_begin_and_end_by_themselves_at_their_times(tmp_path: Path) -> None:
    faults = [Offline(link="reader", at=10.0, lasts=5.0), BlackHole(link="reader", at=20.0)]

    history = played(waited, tmp_path, factor=FACTOR, faults=faults).history

    first = history.where(f="step", type="invoke")[0].time
    told = [(op.value.fault, op.type, op.time - first) for op in history.where(f="fault")]
    assert [(fault, type_) for fault, type_, _ in told] == [
        ("offline", "invoke"),
        ("offline", "ok"),
        ("black_hole", "invoke"),
        ("black_hole", "ok"),
    ]
    assert [at for _, _, at in told[:3]] == pytest.approx([10.0, 15.0, 20.0], abs=2.0)
    assert told[3][2] >= 30.0
    assert any(op.actor == "reader" and op.f == "close" for op in history)
    assert failures(history) == []


def test_a_fault_at_its_time_that_cannot_be_done_makes_the_run_unknown(tmp_path: Path) -> None:
    judgement = played(waited, tmp_path, factor=FACTOR, faults=[TabHidden(reader="nobody", at=1.0)])

    assert judgement.valid is not Valid.YES
    assert judgement.verdicts["story"].valid is Valid.UNKNOWN
    assert "step end (heal): no reader 'nobody' has subscribed yet" in judgement.verdicts["story"].reason


def an_official_client() -> str:
    try:
        need_package()
    except ClientMissing as missing:
        pytest.skip(str(missing))
    return "py"


def test_timers_of_an_official_client_cannot_be_bent_and_the_run_is_unknown(tmp_path: Path) -> None:
    def hidden(rng: Random) -> Iterator[Step]:
        yield gen.start_process("article", owner="alice", simulation=SCRIPTED)
        yield gen.subscribe("reader", to="article", user="alice")
        yield gen.wait_ready("reader")
        yield gen.begin(TabHidden(reader="reader"))

    judgement = played(hidden, tmp_path, client=an_official_client())

    (fault,) = judgement.history.where(f="fault")
    assert fault.type == "fail"
    assert judgement.verdicts["story"].valid is Valid.UNKNOWN
    assert judgement.verdicts["story"].reason == (
        "the story stopped at step 4 (Begin): the fault of a hidden tab needs timers that can be bent, which the "
        "official client of reader does not have: use --client native"
    )


CRASH = '''"""The worker of a server that is not ours crashes."""
from harness import Scenario, generators as gen
from harness.checkers import Accounting
from harness.faults import CdcCrash

def story(rng):
    yield gen.start_process("article", owner="alice", simulation=gen.simulation(scripted=True))
    yield gen.begin(CdcCrash())

scenario = Scenario(story=story, checkers=[Accounting()])
'''

INTERRUPTED = '''"""A table is taken out of the publication, and the run is ended before it is put back."""
from harness import Scenario, generators as gen
from harness.checkers import Accounting
from harness.faults import TableUnpublished

def story(rng):
    yield gen.begin(TableUnpublished())
    yield gen.wait(100.0)

scenario = Scenario(story=story, checkers=[Accounting()])
'''


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with Command.in_a_new_folder() as one:
        yield one


@pytest.fixture(scope="module")
def up(command: Command) -> Up:
    return command.up("--cadence", "instant")


def test_a_server_that_is_not_ours_cannot_be_crashed_and_the_run_is_unknown(command: Command, up: Up) -> None:
    (command.folder / "crash.py").write_text(CRASH)
    stack = up.file(command.folder / "stack.env")

    done = command.run("run", "crash.py", "--env-file", stack, "--json")

    told: Mapping[str, Any] = json.loads(done.stdout)
    assert (done.returncode, told["valid"]) == (2, "unknown")
    assert told["checkers"]["story"]["reason"] == (
        "the story stopped at step 2 (Begin): the fault cdc_crash needs engine, which this backend does not have: "
        "use --backend embedded"
    )


def test_a_run_that_is_interrupted_ends_its_faults_on_a_stack_that_stays(command: Command, up: Up) -> None:
    (command.folder / "interrupted.py").write_text(INTERRUPTED)
    stack = up.file(command.folder / "stack.env")
    process = command.start("run", "interrupted.py", "--env-file", stack)

    assert eventually(lambda: not published(up))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    assert process.returncode == 130
    assert published(up)
    _, history = read(command.runs / "latest")
    assert [op.type for op in history.where(f="fault")] == ["invoke", "ok"]


def published(up: Up) -> bool:
    """Whether the Realtime server is given the events."""

    async def asked() -> bool:
        connection = await asyncpg.connect(up.variables["DB_URL"])
        try:
            rows = await connection.fetch("select tablename from pg_publication_tables where pubname = $1", PUBLICATION)
        finally:
            await connection.close()
        return "process_events" in {row["tablename"] for row in rows}

    return asyncio.run(asked())
