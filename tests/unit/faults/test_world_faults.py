"""What each world fault does to the world, when it begins and when it ends, and in which order."""

from collections.abc import Mapping
from typing import Any

import pytest

from harness.errors import FaultUnsupported, StackError, StoryFault
from harness.faults.app_killed import AppKilled
from harness.faults.black_hole import BlackHole
from harness.faults.cdc_crash import CdcCrash
from harness.faults.clock_jumps import ClockJumps
from harness.faults.commit_then_timeout import CommitThenTimeout
from harness.faults.cut import Cut
from harness.faults.deploy import Deploy
from harness.faults.fault import Capability, WorldFault
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
from tests.instant import InstantClock
from tests.unit.faults.recording_world import RecordingWorld

NO_ENGINE = frozenset(Capability) - {Capability.ENGINE}
A_POLLER: dict[str, list[Mapping[str, Any]]] = {
    "from pg_replication_slots": [{"slot": "supabase_realtime_replication_slot", "pid": 7}]
}

EXACTLY: list[tuple[WorldFault, list[Any], list[Any]]] = [
    (CdcCrash(), [("crash_cdc", False)], [("restore_cdc",)]),
    (CdcCrash(notify=True), [("crash_cdc", True)], [("restore_cdc",)]),
    (ReadyDelayed(seconds=4.0), [("hold_ready", 4.0)], [("hold_ready", None)]),
    (Deploy(), [("close_sockets", 1012)], []),
    (Deploy(code=1001), [("close_sockets", 1001)], []),
    (TokenExpires(reader="r"), [("refresh_tokens", "r", False)], [("refresh_tokens", "r", True)]),
    (TabHidden(reader="r"), [("throttle", "r", 60.0)], [("throttle", "r", None)]),
    (
        LaptopSleeps(reader="r"),
        [("begin", "r", BlackHole(link="r")), ("freeze", "r")],
        [
            ("end", "r", BlackHole(link="r")),
            ("begin", "r", Cut(link="r")),
            ("end", "r", Cut(link="r")),
            ("thaw", "r"),
        ],
    ),
    (ClockJumps(seconds=-3600.0), [("jump_clock", -3600.0)], [("jump_clock", 3600.0)]),
    (AppKilled(), [("stop", False)], []),
    (AppKilled(grace=True), [("stop", True)], []),
    (SubscriptionsCleared(), [("sql", "delete from realtime.subscription")], []),
    (
        TableUnpublished(table='odd"table'),
        [("sql", 'alter publication "supabase_realtime" drop table "public"."odd""table"')],
        [("sql", 'alter publication "supabase_realtime" add table "public"."odd""table"')],
    ),
    (
        RlsRevoked(),
        [
            (
                "sql",
                'create policy harness_rls_revoked on "public"."process_events" as restrictive for select to public '
                "using (false)",
            )
        ],
        [("sql", 'drop policy if exists harness_rls_revoked on "public"."process_events"')],
    ),
    (
        PostgresRestart(),
        [("set_quirk", "node_ends_with_database", True), ("restart_database",)],
        [],
    ),
    (
        PostgresRestart(node_survives=True),
        [("set_quirk", "node_ends_with_database", False), ("restart_database",)],
        [],
    ),
    (
        PoisonFilter(),
        [
            (
                "admit_stranger",
                {
                    "event": "*",
                    "schema": "public",
                    "table": "process_events",
                    "filter": "acknowledged_by=eq.{nobody}",
                },
            )
        ],
        [("dismiss_stranger",)],
    ),
]


@pytest.mark.parametrize(
    ("fault", "begun", "ended"), EXACTLY, ids=[f"{at}-{type(each[0]).__name__}" for at, each in enumerate(EXACTLY)]
)
async def test_it_does_this_and_undoes_that(fault: WorldFault, begun: list[Any], ended: list[Any]) -> None:
    world = RecordingWorld()

    await fault.begin(world)
    at_begin = world.done.copy()
    await fault.end(world)

    assert (at_begin, world.done[len(at_begin) :]) == (begun, ended)


async def test_a_slow_commit_sleeps_in_the_seconds_of_the_database() -> None:
    world = RecordingWorld(factor=20.0, schema="app")

    await SlowCommit(seconds=3.0, every=4).begin(world)

    clean, function, trigger = world.statements()
    assert clean == 'drop function if exists "app"."harness_slow_commit"() cascade'
    assert "pg_sleep(0.150000)" in function
    assert 'after insert on "app"."process_events" deferrable initially deferred' in trigger
    assert "(new.event_sequence % 4 = 0)" in trigger


async def test_a_slow_commit_leaves_nothing() -> None:
    world = RecordingWorld()

    await SlowCommit().end(world)

    assert world.statements() == ['drop function if exists "public"."harness_slow_commit"() cascade']


async def test_inserts_that_fail_are_counted_and_leave_nothing() -> None:
    world = RecordingWorld()

    await InsertFails(every=3).begin(world)
    begun = world.statements()
    await InsertFails(every=3).end(world)

    ended = world.statements()[len(begun) :]
    assert [each.split('"public"')[0] for each in begun] == [
        "drop function if exists ",
        "drop sequence if exists ",
        "create sequence ",
        "create function ",
        "create trigger harness_insert_fails before insert on ",
    ]
    assert """nextval('"public"."harness_insert_fails"') % 3 = 0""" in begun[3]
    assert ended == begun[:2]


async def test_commits_are_cut_before_the_standby_is_forgotten() -> None:
    world = RecordingWorld(answers={"show": [{"synchronous_standby_names": "harness_no_such_standby"}]})
    fault = CommitThenTimeout()

    await fault.begin(world)
    begun = world.statements()
    await fault.end(world)

    cut, reset, reload = world.statements()[len(begun) :]
    assert begun == [
        "alter system set synchronous_standby_names = 'harness_no_such_standby'",
        "select pg_reload_conf()",
        "show synchronous_standby_names",
        "checkpoint",
    ]
    assert "wait_event = 'SyncRep'" in cut
    assert (reset, reload) == ("alter system reset synchronous_standby_names", "select pg_reload_conf()")


async def test_a_setting_that_is_overruled_is_told() -> None:
    with pytest.raises(StackError, match="overrules"):
        await CommitThenTimeout().begin(RecordingWorld(clock=_NoTime()))


class _NoTime(InstantClock):
    async def sleep(self, seconds: float) -> None:
        return


async def test_a_killed_poller_is_found_by_its_slot() -> None:
    world = RecordingWorld(answers=A_POLLER)

    await PollerKilled().begin(world)

    assert world.done[-1] == ("sql", "select pg_terminate_backend($1, 5000) as gone", 7)


async def test_a_lost_slot_costs_its_session_a_statement_and_not_its_life() -> None:
    world = RecordingWorld(answers=A_POLLER)

    await SlotLost().begin(world)

    said = world.statements()[-1]
    assert "pg_cancel_backend" in said
    assert "slot_name = 'supabase_realtime_replication_slot' and active_pid = 7" in said


@pytest.mark.parametrize("fault", [PollerKilled(), SlotLost(), SlotBusy()], ids=lambda fault: type(fault).__name__)
async def test_without_a_poller_there_is_no_slot_to_lose(fault: WorldFault) -> None:
    with pytest.raises(StoryFault, match="nobody reads changes"):
        await fault.begin(RecordingWorld())


async def test_a_busy_slot_is_taken_when_its_owner_is_gone_and_given_back() -> None:
    world = RecordingWorld(answers=A_POLLER)

    await SlotBusy().begin(world)
    begun = world.done.copy()
    await SlotBusy().end(world)

    assert begun[1:] == [
        ("sql", "select pg_terminate_backend($1, 5000) as gone", 7),
        (
            "sql",
            "select pg_create_logical_replication_slot($1, 'pgoutput', true)",
            "supabase_realtime_replication_slot",
            "slot_busy",
        ),
    ]
    assert world.statements()[-1].startswith("select pg_terminate_backend(pid, 5000) from pg_replication_slots")
    assert world.done[-1][-1] == "harness_nemesis"


async def test_a_poller_that_is_always_faster_keeps_its_slot_and_the_fault_says_so() -> None:
    world = RecordingWorld(answers=A_POLLER, breaks={"pg_create_logical"})

    with pytest.raises(StackError):
        await SlotBusy().begin(world)

    assert sum("pg_create_logical" in each for each in world.statements()) == 5


async def test_a_refused_plugin_costs_the_slot_that_stands() -> None:
    world = RecordingWorld(answers=A_POLLER)

    await PluginRefused().begin(world)
    begun = world.done.copy()
    await PluginRefused().end(world)

    assert [begun[0], begun[-1][-1]] == [("refuse_plugin", True), 7]
    assert world.done[len(begun) :] == [("refuse_plugin", False)]


async def test_a_plugin_is_refused_before_anybody_reads_changes_too() -> None:
    world = RecordingWorld()

    await PluginRefused().begin(world)

    assert world.done[0] == ("refuse_plugin", True)
    assert not any("terminate" in each for each in world.statements())


async def test_a_quota_is_lowered_for_a_reader_that_runs_and_restored() -> None:
    world = RecordingWorld(limits={"max_events_per_second": 100})
    fault = QuotaReached(value=2)

    await fault.begin(world)
    lowered = dict(world.limits)
    begun = world.done.copy()
    await fault.end(world)

    assert (lowered, world.limits) == ({"max_events_per_second": 2}, {"max_events_per_second": 100})
    assert begun == [
        ("set_quirk", "db_limit_frozen_at_start", False),
        ("set_limit", "max_events_per_second", 2),
        ("set_quirk", "db_limit_frozen_at_start", True),
    ]
    assert fault == QuotaReached(value=2)


async def test_only_our_own_node_survives_its_database() -> None:
    world = RecordingWorld(capabilities=NO_ENGINE)

    await PostgresRestart().begin(world)
    with pytest.raises(FaultUnsupported, match="node_survives"):
        await PostgresRestart(node_survives=True).begin(world)

    assert world.done == [("restart_database",)]


async def test_a_poison_filter_on_another_server_is_the_row_that_its_join_would_have_made() -> None:
    world = RecordingWorld(capabilities=NO_ENGINE)
    fault = PoisonFilter(table="t", column="c", value="{x}")

    await fault.begin(world)
    await fault.end(world)

    _, insert, delete = world.done
    assert insert[1].startswith("insert into realtime.subscription")
    assert insert[2:] == ('"public"."t"', "c", "{x}")
    assert delete == ("sql", "delete from realtime.subscription where claims ->> 'harness' = 'poison_filter'")


async def test_a_poison_filter_cannot_reach_our_engine_in_another_process() -> None:
    world = RecordingWorld(capabilities=NO_ENGINE, answers={"harness_forgotten": [{}]})

    with pytest.raises(FaultUnsupported, match="harness up"):
        await PoisonFilter().begin(world)
