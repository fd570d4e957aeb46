"""A small load over broadcast from the database, for real: nothing is lost, and a stranger hears nothing of it."""

import asyncio
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from websockets.sync.client import connect

from harness.backends.environment import Environment
from harness.checkers.checker import Valid
from harness.clock import SystemClock
from harness.history import History
from harness.history.store import FILE, read
from harness.tokens import mint, user_id
from load.commands.running import run
from load.commands.stack import LoadedStack, fresh_stack
from load.judging.judged import Judged
from load.offering.broadcasting import install
from load.plan import Plan
from load.reading.transport import broadcast_topic

SMALL = {"writers": 2, "readers": 2, "churners": 1, "storm": 1, "seconds": 5.0, "warm_up": 1.0}
_EVENTS = 2 * 5 * 20

# Looked for and not imported: locust would patch this process.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="the extra `load` is not installed")


@pytest.fixture(scope="module")
def stack() -> Iterator[LoadedStack]:
    with fresh_stack(cadence="instant") as up:
        yield up


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("broadcast")


@pytest.fixture(scope="module")
def runs(stack: LoadedStack, folder: Path) -> dict[str, Judged]:
    """One of each policy, on one stack: the second finds the triggers of the first."""
    plans = [Plan(transport="broadcast", debounce=policy, **SMALL) for policy in ("off", "lossless")]  # type: ignore[arg-type]
    return {plan.debounce: run(plan, folder / plan.debounce, stack) for plan in plans}


@pytest.fixture
def environment(stack: LoadedStack) -> Environment:
    return Environment.parse(stack.file.read_text(encoding="utf-8"))


def history(folder: Path, policy: str) -> History:
    return History(read(folder / policy / FILE)[1])


def join(environment: Environment, process_id: str, *, user: str) -> tuple[str, Any]:
    """The status and the response of the answer to a join of the process's private topic."""
    token = mint(environment.jwt_secret, role="authenticated", wall=SystemClock().wall(), ttl=60.0, sub=user_id(user))
    topic = f"realtime:{broadcast_topic(process_id)}"
    payload = {"config": {"private": True}, "access_token": token}
    url = f"{environment.realtime_url}/websocket?apikey={environment.anon_key}&vsn=2.0.0"
    with connect(url) as socket:
        socket.send(json.dumps(["1", "1", topic, "phx_join", payload]))
        while True:
            _, ref, _, event, answer = json.loads(socket.recv(timeout=15))
            if (ref, event) == ("1", "phx_reply"):
                return answer["status"], answer["response"]


@pytest.mark.parametrize("policy", ["off", "lossless"])
def test_all_that_is_owed_comes_in_order(runs: dict[str, Judged], folder: Path, policy: str) -> None:
    judged = runs[policy]

    log = folder / policy / "locust.log"
    assert {name: verdict.valid for name, verdict in judged.checked.items()} == dict.fromkeys(
        ("accounting", "content", "order"), Valid.YES
    ), log.read_text(encoding="utf-8")
    figures = {name: judged.figures[name] for name in ("events offered", "lost silently", "text kept %")}
    assert figures == {"events offered": _EVENTS, "lost silently": 0, "text kept %": 100}


@pytest.mark.parametrize("policy", ["off", "lossless"])
def test_it_comes_by_broadcast_and_live(runs: dict[str, Judged], folder: Path, policy: str) -> None:
    told = history(folder, policy)

    topics = {op.value.topic.partition(":")[0] for op in told.where(f="receive")}
    readers = {f"reader-{number}" for number in range(1, 5)}
    live = [op for op in told.where(f="apply", type="ok", via="live") if op.actor in readers]
    published = runs[policy].figures["published"]
    assert published is not None
    assert topics == {"process"}
    assert len(live) > 0.9 * published * 2  # on a busy machine a row may be late, and fetched
    assert {op.value.table for op in told.where(f="receive")} == {"process_events", "generated_articles_state"}


def test_a_stranger_is_refused_and_the_owner_is_not(
    runs: dict[str, Judged], folder: Path, environment: Environment
) -> None:
    started = history(folder, "off").where(f="start_process")[0]
    process_id = started.value.process_id

    assert join(environment, process_id, user=started.value.owner)[0] == "ok"
    status, response = join(environment, process_id, user="somebody else")
    assert status == "error"
    assert response["reason"].startswith("Unauthorized: You do not have permissions to read from this Channel topic")


def test_triggers_are_made_for_broadcast_only_and_may_be_made_again(environment: Environment) -> None:
    async def installed() -> tuple[int, int]:
        connection = await asyncpg.connect(environment.db_url)
        try:
            found = "select count(*) from pg_trigger where tgname like 'broadcast_process_%'"
            await connection.execute(
                "drop trigger if exists broadcast_process_event on public.process_events;"
                "drop trigger if exists broadcast_process_state on public.generated_articles_state"
            )
            await install("postgres_changes", environment.db_url)
            before = await connection.fetchval(found)
            await install("broadcast", environment.db_url)
            await install("broadcast", environment.db_url)
            return before, await connection.fetchval(found)
        finally:
            await connection.close()

    assert asyncio.run(installed()) == (0, 2)
