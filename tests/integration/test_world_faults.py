"""Every world fault on a real stack: what a reader or the application sees of it, and that it is over at its end.

`quick` and `calm` have the poller of the real server, the one on a clock of twenty times the speed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from harness.backends.world import StackWorld
from harness.clients.client import Binding, ChangeReceived, ClientEvent, Closed, SystemNotice
from harness.clients.native import NativeClient
from harness.errors import FaultUnsupported, InsertFailed, InsertInDoubt, StackError, StoryFault
from harness.faults.app_killed import AppKilled
from harness.faults.cdc_crash import CdcCrash
from harness.faults.clock_jumps import ClockJumps
from harness.faults.commit_then_timeout import CommitThenTimeout
from harness.faults.deploy import Deploy
from harness.faults.insert_fails import InsertFails
from harness.faults.laptop_sleeps import LaptopSleeps
from harness.faults.plugin_refused import PluginRefused
from harness.faults.poison_filter import PoisonFilter
from harness.faults.poller_killed import PollerKilled
from harness.faults.postgres_restart import PostgresRestart
from harness.faults.quota_reached import QuotaReached
from harness.faults.ready_delayed import ReadyDelayed
from harness.faults.rls_revoked import RlsRevoked
from harness.faults.slot_busy import SlotBusy
from harness.faults.slot_lost import SlotLost
from harness.faults.slow_commit import SlowCommit
from harness.faults.subscriptions_cleared import SubscriptionsCleared
from harness.faults.tab_hidden import TabHidden
from harness.faults.table_unpublished import TableUnpublished
from harness.faults.token_expires import TokenExpires
from harness.history import Op
from harness.performing.machine import ReaderMachine
from harness.pipeline.requests import StartGeneration
from harness.proxy import FaultProxy
from harness.tokens import DEVELOPMENT_SECRET, mint, user_id
from tests.integration.fault_stack import CLOCK, PATIENCE_S, Stack, a_fault_stack

pytestmark = pytest.mark.asyncio(loop_scope="module")

_OURS = "select count(*) as n from pg_trigger where tgname like 'harness%' and tgrelid = 'process_events'::regclass"
_INSERT = """
insert into process_events (process_id, event_type, event_data, event_sequence) values ($1, 'heartbeat', '{}', $2)
"""
_HOLDERS = """
select from pg_replication_slots join pg_stat_activity on pid = active_pid where application_name = 'harness_nemesis'
"""
_WAITING = "select from pg_stat_activity where wait_event = 'SyncRep' and application_name not like 'realtime%'"


Event = TypeVar("Event", bound=ClientEvent)


@dataclass(kw_only=True)
class Browser:
    """A client and its computer. What was read on the way to something else is kept."""

    client: NativeClient
    machine: ReaderMachine
    events: list[ClientEvent] = field(default_factory=list)

    async def until(self, kind: type[Event]) -> Event:
        """The next event of a kind."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                event = await self.client.next_event()
                self.events.append(event)
                if isinstance(event, kind):
                    return event

    def seen(self, kind: type[Event]) -> int:
        """How many of a kind were read."""
        return sum(isinstance(event, kind) for event in self.events)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def _instant() -> AsyncIterator[Stack]:
    async with a_fault_stack(cadence="instant") as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def _quick() -> AsyncIterator[Stack]:
    async with a_fault_stack(cadence="real", factor=20.0) as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def _calm() -> AsyncIterator[Stack]:
    async with a_fault_stack(cadence="real") as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="module")
async def instant(_instant: Stack) -> Stack:
    await _instant.new_process()
    return _instant


@pytest_asyncio.fixture(loop_scope="module")
async def quick(_quick: Stack) -> Stack:
    await _quick.new_process()
    return _quick


@pytest_asyncio.fixture(loop_scope="module")
async def calm(_calm: Stack) -> Stack:
    await _calm.new_process()
    return _calm


def commits(stack: Stack) -> list[str]:
    """The sequences of the process that the witness has seen."""
    return [
        str(op.value.sequence)
        for op in stack.recorder.ops()
        if (op.actor, op.type, op.value.get("process_id")) == ("witness", "ok", stack.process)
        and op.value.table == "process_events"
    ]


def failed_to_poll(op: Op) -> bool:
    return op.f == "poll" and op.type == "info"


# The database


async def test_a_slow_commit_turns_the_order_of_commits_around(instant: Stack) -> None:
    url = instant.backend.environment.db_url
    first, second = [await asyncpg.connect(url), await asyncpg.connect(url)]
    async with instant.reader() as reader:
        async with instant.holding(SlowCommit(seconds=0.5, every=2)):
            slow = asyncio.create_task(first.execute(_INSERT, instant.process, 2))
            await instant.until(lambda: instant.world.sql("select from pg_stat_activity where wait_event = 'PgSleep'"))
            await second.execute(_INSERT, instant.process, 3)
            await slow
        for sequence in (4, 5):
            await first.execute(_INSERT, instant.process, sequence)
        await reader.until_heard(5)
    await first.close()
    await second.close()

    assert reader.heard == [3, 2, 4, 5]
    assert await instant.world.sql(_OURS) == [{"n": 0}]


async def test_an_insert_that_fails_is_told_and_the_next_attempt_has_its_number(instant: Stack) -> None:
    async with instant.reader() as reader:
        async with instant.holding(InsertFails(every=2)):
            await instant.write()
            event = instant.event()
            with pytest.raises(InsertFailed, match="no space left"):
                await instant.backend.store.insert_event(event)
            again = await instant.backend.store.insert_event(event)
        rest = [await instant.write() for _ in range(3)]
        await reader.until_heard(5)

    assert (again, rest, reader.heard) == (2, [3, 4, 5], [1, 2, 3, 4, 5])
    assert await instant.world.sql(_OURS) == [{"n": 0}]


async def test_a_commit_whose_answer_never_came_is_in_doubt_and_committed_once(instant: Stack) -> None:
    store, event = instant.backend.store, instant.event()
    async with instant.reader() as reader:
        async with instant.holding(CommitThenTimeout()):
            writing = asyncio.create_task(store.insert_event(event))
            await instant.until(lambda: instant.world.sql(_WAITING))
        with pytest.raises(InsertInDoubt):
            await writing
        await reader.until_heard(1)
        again = await store.insert_event(event)
        await instant.write()
        await reader.until_heard(2)
        settled = await instant.backend.quiet(timeout=10.0)

    assert (again, reader.heard, settled, commits(instant)) == (1, [1, 2], True, ["1", "2"])
    assert await instant.world.sql("show synchronous_standby_names") == [{"synchronous_standby_names": ""}]


async def test_a_postgresql_that_restarts_takes_the_node_with_it(calm: Stack) -> None:
    async with calm.reader() as reader:
        await calm.write()
        await reader.until_heard(1)
        async with calm.holding(PostgresRestart()):
            code = await reader.until_closed()
    async with calm.reader() as back:
        await calm.write()
        await back.until_heard(2)
    settled = await calm.backend.quiet(timeout=10.0)

    assert (code, back.heard, settled, commits(calm)) == (1012, [2], True, ["1", "2"])


async def test_a_node_that_survives_says_nothing_and_loses_rows(calm: Stack) -> None:
    async with calm.reader() as reader:
        await calm.write()
        await reader.until_heard(1)
        async with calm.holding(PostgresRestart(node_survives=True)):
            await calm.write()
        await calm.until_polled()
        await calm.write()
        await reader.until_heard(3)
    settled = await calm.backend.quiet(timeout=10.0)

    assert (reader.heard, reader.said, settled, commits(calm)) == ([1, 3], ["ok"], True, ["1", "2", "3"])


async def test_a_lost_slot_loses_what_was_committed_meanwhile(calm: Stack) -> None:
    since = len(calm.recorder.ops())
    async with calm.reader() as reader:
        async with calm.holding(SlotLost()):
            await calm.write()
        await calm.until_polled()
        await calm.write()
        await reader.until_heard(2)

    (failure,) = [op.error for op in calm.recorder.ops()[since:] if failed_to_poll(op)]
    assert (reader.heard, reader.said) == ([2], ["ok"])
    assert "canceling statement" in str(failure)


async def test_a_lost_slot_costs_a_stream_its_rows_too(instant: Stack) -> None:
    async with instant.reader() as reader:
        async with instant.holding(SlotLost()):
            await instant.write()
        await instant.until_polled()
        await instant.write()
        await reader.until_heard(2)

    assert (reader.heard, reader.said) == ([2], ["ok"])


async def test_a_killed_poller_loses_what_is_committed_until_it_is_back(calm: Stack) -> None:
    since = len(calm.recorder.ops())
    async with calm.reader() as reader:
        async with calm.holding(PollerKilled()):
            await calm.write()
        await calm.until_polled()
        await calm.write()
        await reader.until_heard(2)

    (failure,) = [op.error for op in calm.recorder.ops()[since:] if failed_to_poll(op)]
    assert (reader.heard, reader.said) == ([2], ["ok"])
    assert "canceling statement" not in str(failure)


async def test_a_busy_slot_makes_everybody_deaf_until_its_holder_is_terminated(quick: Stack) -> None:
    since = len(quick.recorder.ops())
    async with quick.reader() as reader:
        async with quick.holding(SlotBusy()):
            await quick.write()
            await quick.until_op(since, lambda op: failed_to_poll(op) and "belongs to another session" in str(op.error))
            await quick.write_until_heard(reader)
            holders = await quick.world.sql(_HOLDERS)

    failures = [op for op in quick.recorder.ops()[since:] if failed_to_poll(op)]
    assert 1 not in reader.heard
    assert len(failures) >= 5
    assert holders == []


async def test_a_busy_slot_is_given_back_at_the_end(quick: Stack) -> None:
    since = len(quick.recorder.ops())
    async with quick.reader() as reader:
        async with quick.holding(SlotBusy()):
            await quick.until_op(since, failed_to_poll)
        await quick.until_polled()
        await quick.write()
        await reader.until_heard(1)

    assert reader.said == ["ok"]


async def test_a_slot_cannot_be_lost_while_nobody_reads(quick: Stack) -> None:
    world = elsewhere(quick, "template1")

    with pytest.raises(StoryFault, match="nobody reads changes"):
        await PollerKilled().begin(world)
    await world.close()


def elsewhere(stack: Stack, database: str) -> StackWorld:
    """The world of another database, whose Realtime server is not ours."""
    server, _, _ = stack.backend.environment.db_url.rpartition("/")
    return StackWorld(url=f"{server}/{database}", schema="public", machines={}, clock=CLOCK, rng=Random(1))


# The Realtime server


async def test_a_crash_that_nobody_hears_of_leaves_channels_joined_and_deaf(quick: Stack) -> None:
    async with quick.reader() as old:
        async with quick.holding(CdcCrash()), quick.reader(ready=False) as new:
            await quick.write()
            await CLOCK.sleep(0.5)
            await new.catch_up()
            while_it_held = new.said.copy()
            await CdcCrash().end(quick.world)
            await new.until_ready()
            await quick.until_polled()
            await quick.write()
            await new.until_heard(2)
            await old.catch_up()
            deaf = old.heard.copy()
        await old.join()
        await old.until_ready()
        await quick.write()
        await old.until_heard(3)

    assert (while_it_held, new.heard, deaf, old.heard, old.said) == ([], [2], [], [3], ["ok", "ok"])


async def test_after_a_crash_that_is_told_everybody_subscribes_again(quick: Stack) -> None:
    async with quick.reader() as reader, quick.holding(CdcCrash(notify=True)):
        await reader.until_ready()
        await quick.until_polled()
        await quick.write()
        await reader.until_heard(1)

    assert reader.said == ["ok", "ok"]


async def test_cleared_subscriptions_are_silence_until_the_channel_joins_again(quick: Stack) -> None:
    async with quick.reader() as old:
        await quick.until_polled()
        async with quick.holding(SubscriptionsCleared()):
            pass
        async with quick.reader() as new:
            await quick.write()
            await new.until_heard(1)
            await old.catch_up()
        deaf = (old.heard.copy(), old.said.copy())
        await old.join()
        await old.until_ready()
        await quick.write()
        await old.until_heard(2)

    assert (deaf, old.heard) == (([], ["ok"]), [2])


async def test_a_table_that_comes_back_revives_nobody(quick: Stack) -> None:
    async with quick.reader() as old:
        await quick.until_polled()
        async with quick.holding(TableUnpublished()):
            await quick.write()
            told = await old.until_told()
        async with quick.reader() as new:
            await new.until_ready()  # at the next look at the publication, which finds the table again
            await quick.write()
            await new.until_heard(2)
            await old.catch_up()
            deaf = (old.heard.copy(), old.said.copy())
        await old.join()
        await old.until_ready()
        await quick.write()
        await old.until_heard(3)

    assert told.startswith("Unable to subscribe to changes with given parameters. Please check Realtime is enabled")
    assert (deaf, new.heard, old.heard) == (([], ["ok", "error"]), [2], [3])


async def test_a_refused_plugin_is_subscribed_to_all_the_same(quick: Stack) -> None:
    since = len(quick.recorder.ops())
    async with quick.reader() as old:
        await quick.until_polled()
        async with quick.holding(PluginRefused()):
            async with quick.reader() as new:
                await quick.write()
                await quick.until_op(since, lambda op: failed_to_poll(op) and "output_plugin" in str(op.error))
                await new.catch_up()
            await old.catch_up()
        await quick.until_polled()
        async with quick.reader() as late:
            await quick.write()
            await late.until_heard(2)
        await old.until_heard(2)

    assert (new.heard, old.heard, set(new.said)) == ([], [2], {"ok"})


async def test_a_refused_plugin_is_given_up_and_begun_anew(quick: Stack) -> None:
    async with quick.reader() as reader:
        await quick.until_polled()
        async with quick.holding(PluginRefused()):
            await reader.until_ready()

    assert reader.said == ["ok", "ok"]


async def test_a_poison_filter_of_a_stranger_costs_everybody_the_batch(quick: Stack) -> None:
    since = len(quick.recorder.ops())
    async with quick.reader() as innocent:
        await quick.until_polled()
        async with quick.holding(PoisonFilter()):
            await quick.write()
            await quick.until_op(since, lambda op: failed_to_poll(op) and "malformed array" in str(op.error))
        await quick.until(lambda: no_stranger(quick))
        await quick.write_until_heard(innocent)

    assert 1 not in innocent.heard
    assert innocent.said == ["ok"]


async def no_stranger(stack: Stack) -> bool:
    """The row of a client that left outlives it for up to 15 s of the server's clock, and is then forgotten."""
    return not await stack.world.sql("select from realtime.subscription where filters::text like '%acknowledged_by%'")


async def test_a_poison_filter_for_another_server_is_a_row(quick: Stack) -> None:
    await quick.world.sql("create database theirs")
    world = elsewhere(quick, "theirs")
    await world.sql("create schema realtime")
    await world.sql("create type realtime.user_defined_filter as (column_name text, op text, value text)")
    await world.sql("create table process_events (id int primary key, acknowledged_by text[])")
    await world.sql(
        "create table realtime.subscription (id bigserial, subscription_id uuid not null, entity regclass not null,"
        " filters realtime.user_defined_filter[], claims jsonb not null)"
    )

    await PoisonFilter().begin(world)
    begun = await world.sql("select entity::text, filters::text, claims ->> 'role' as role from realtime.subscription")
    await PoisonFilter().end(world)
    ended = await world.sql("select from realtime.subscription")
    await world.close()

    assert begun == [
        {"entity": "process_events", "filters": '{"(acknowledged_by,eq,{nobody})"}', "role": "authenticated"}
    ]
    assert ended == []


async def test_what_is_written_before_a_delayed_subscription_never_comes(quick: Stack) -> None:
    async with quick.reader() as old:
        await quick.until_polled()
        async with quick.holding(ReadyDelayed(seconds=10.0)), quick.reader(ready=False) as reader:
            await quick.write()
            await old.until_heard(1)
            await reader.catch_up()
            before = reader.said.copy()
            await reader.until_ready()
            await quick.write()
            await reader.until_heard(2)
        async with quick.reader() as prompt:
            pass

    assert (before, reader.heard, reader.said, prompt.said) == ([], [2], ["ok"], ["ok"])


async def test_revoked_row_security_withholds_from_the_owner_alone(instant: Stack) -> None:
    async with instant.reader() as owner, instant.reader(role="service_role") as service:
        async with instant.holding(RlsRevoked()):
            await instant.write()
            await service.until_heard(1)
            await owner.catch_up()
        await instant.write()
        await owner.until_heard(2)

    assert (owner.heard, owner.said) == ([2], ["ok"])


async def test_a_reached_quota_drops_changes_and_nobody_is_told(quick: Stack) -> None:
    since = len(quick.recorder.ops())
    async with quick.reader() as reader:
        await quick.until_polled()
        async with quick.holding(QuotaReached(value=1)):
            await write_until_dropped(quick, since)
            await reader.catch_up()
            heard = len(reader.heard)
            last = quick.intent
        await quick.write_until_heard(reader)

    assert heard < last
    assert reader.said == ["ok"]


async def write_until_dropped(stack: Stack, since: int) -> None:
    def dropped(op: Op) -> bool:
        return op.f == "limit" and op.value.limit == "db_events_per_second" and op.value.allowed == 1

    async with asyncio.timeout(15):
        while not any(dropped(op) for op in stack.recorder.ops()[since:]):
            await stack.write()
            await CLOCK.sleep(0.01)


async def test_a_deploy_closes_every_socket_and_lets_them_in_again(quick: Stack) -> None:
    async with quick.reader() as one, quick.reader() as two:
        async with quick.holding(Deploy()):
            codes = [await one.until_closed(), await two.until_closed()]
    async with quick.reader() as back:
        await quick.until_polled()
        await quick.write()
        await back.until_heard(1)

    assert (codes, back.said) == ([1012, 1012], ["ok"])


# The user's machine and the application


@asynccontextmanager
async def a_browser(stack: Stack, proxy: FaultProxy, *, token_ttl: float = 3600.0) -> AsyncIterator[Browser]:
    """A native client of alice's on a machine of its own, subscribed."""

    def sign() -> str:
        owner = user_id("alice")
        return mint(DEVELOPMENT_SECRET, role="authenticated", wall=stack.clock.wall(), sub=owner, ttl=token_ttl)

    machine = ReaderMachine("reader", clock=stack.clock, sign=sign, proxy=proxy, native=True)
    stack.machines["reader"] = machine
    address = urlsplit(stack.backend.environment.realtime_url)
    port = await proxy.open_link("reader", (str(address.hostname), int(address.port or 0)))
    browser = Browser(
        client=NativeClient(
            f"ws://127.0.0.1:{port}/socket",
            apikey=stack.backend.environment.anon_key,
            token=machine.token(),
            clock=machine.clock,
            rng=Random(1),
        ),
        machine=machine,
    )
    await browser.client.connect()
    wanted = Binding(event="INSERT", schema="public", table="process_events", filter=f"process_id=eq.{stack.process}")
    await browser.client.subscribe("realtime:events", [wanted])
    await browser.until(SystemNotice)
    try:
        yield browser
    finally:
        await browser.client.close()
        del stack.machines["reader"]


@pytest_asyncio.fixture(loop_scope="module")
async def proxy(quick: Stack) -> AsyncIterator[FaultProxy]:
    proxy = FaultProxy(clock=quick.clock, rng=Random(1))
    yield proxy
    await proxy.close()


async def test_a_hidden_tab_is_closed_for_its_silence_and_comes_back_when_it_is_shown(
    quick: Stack, proxy: FaultProxy
) -> None:
    async with a_browser(quick, proxy) as browser, quick.reader() as other:
        async with quick.holding(TabHidden(reader="reader", every=600.0)):
            closed = await browser.until(Closed)
            await quick.write()
            await other.until_heard(1)  # the server has read it, and will not read it again
        await browser.until(SystemNotice)
        await quick.write()
        heard = await browser.until(ChangeReceived)

    assert (closed.code, closed.by, heard.record["event_sequence"]) == (1000, "server", 2)


async def test_a_tab_that_is_shown_beats_on(quick: Stack, proxy: FaultProxy) -> None:
    async with a_browser(quick, proxy) as browser:
        await quick.clock.sleep(80.0)  # longer than the server bears silence
        await quick.write()
        heard = await browser.until(ChangeReceived)

    assert (heard.record["event_sequence"], browser.seen(Closed)) == (1, 0)


async def test_a_laptop_that_sleeps_hears_nothing_and_finds_its_connection_broken(
    quick: Stack, proxy: FaultProxy
) -> None:
    async with a_browser(quick, proxy) as browser, quick.reader() as awake:
        async with quick.holding(LaptopSleeps(reader="reader")):
            await quick.write()
            await awake.until_heard(1)
            await quick.clock.sleep(40.0)  # more than a heartbeat
            asleep = (browser.seen(ChangeReceived), browser.seen(Closed))
        await browser.until(Closed)
        await browser.until(SystemNotice)
        await quick.write()
        heard = await browser.until(ChangeReceived)

    assert (asleep, heard.record["event_sequence"]) == ((0, 0), 2)


async def test_a_token_that_is_not_refreshed_expires(quick: Stack, proxy: FaultProxy) -> None:
    async with a_browser(quick, proxy, token_ttl=30.0) as browser:
        async with quick.holding(TokenExpires(reader="reader")):
            told = await browser.until(SystemNotice)
            still = browser.machine.token()
        fresh = browser.machine.token()

    assert (told.status, told.message[:17]) == ("error", "Token has expired")
    assert still != fresh


async def test_a_clock_jumps_and_is_right_again(quick: Stack) -> None:
    clock = quick.backend.application.clock

    async with quick.holding(ClockJumps(seconds=3600.0)):
        ahead = (clock.wall() - quick.clock.wall()).total_seconds()
    after = (clock.wall() - quick.clock.wall()).total_seconds()

    assert (round(ahead, -1), round(after, -1)) == (3600.0, 0.0)


async def test_a_killed_application_ends_its_generations_where_they_are() -> None:
    async with a_fault_stack(cadence="instant") as stack:
        application = stack.backend.application
        process = await application.start(StartGeneration(), user_id=str(user_id("alice")))
        await stack.until(lambda: stack.backend.store.last_sequence(process))
        running = application.running()
        async with stack.holding(AppKilled()):
            said = await stack.backend.store.last_sequence(process)
        await CLOCK.sleep(0.3)

        assert running == {process}
        assert application.running() == frozenset()
        assert await stack.backend.store.last_sequence(process) == said


# The world itself


async def test_what_the_database_refuses_is_told_and_the_session_goes_on(instant: Stack) -> None:
    with pytest.raises(StackError, match='relation "nowhere" does not exist'):
        await instant.world.sql("select * from nowhere")

    assert await instant.world.sql("select $1::int + 1 as two", 1) == [{"two": 2}]


async def test_a_session_that_was_terminated_is_opened_again(instant: Stack) -> None:
    with pytest.raises(StackError):
        await instant.world.sql("select pg_terminate_backend(pg_backend_pid())")

    assert await instant.world.sql("select 1 as one") == [{"one": 1}]


async def test_our_server_tells_what_it_cannot_be_made_to_do(instant: Stack) -> None:
    with pytest.raises(StoryFault, match="no limit 'nothing'"):
        instant.world.engine.set_limit("nothing", 1)
    with pytest.raises(StoryFault, match="no quirk 'nothing'"):
        instant.world.engine.set_quirk("nothing", True)
    with pytest.raises(FaultUnsupported, match="poisonous_filters"):
        instant.world.engine.set_quirk("poisonous_filters", False)
    with pytest.raises(StoryFault, match="invalid column for filter nowhere"):
        await PoisonFilter(column="nowhere").begin(instant.world)
    async with instant.holding(PoisonFilter()):
        with pytest.raises(StoryFault, match="there is a stranger already"):
            await PoisonFilter().begin(instant.world)


async def test_limits_and_quirks_are_what_they_were_when_they_are_put_back(instant: Stack) -> None:
    engine = instant.world.engine

    limits = [engine.set_limit("max_joins_per_second", value) for value in (7, None, 100)]
    quirks = [engine.set_quirk("cold_worker_delay", on) for on in (False, True)]

    assert (limits, quirks) == ([100, 7, None], [True, False])
