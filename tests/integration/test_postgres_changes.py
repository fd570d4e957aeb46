"""postgres_changes over a real PostgreSQL: filters, subscriptions, publications, altered tables, failures."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from harness.backends.cluster import Cluster, start_cluster
from harness.errors import SlotBusy
from harness.realtime.quirks import Quirks
from harness.realtime.session_postgres import Session
from harness.realtime.visibility_postgres import PostgresVisibility
from harness.replication.source_postgres import PolledSource
from tests.integration.realtime_stack import ALICE, BOB, Client, Stack, a_stack

EVENTS = {"event": "*", "schema": "public", "table": "t_events"}
FAST: dict[str, Any] = {"quirks": Quirks(cold_worker_delay=False, subscribed_without_slot=False)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster() -> AsyncIterator[Cluster]:
    async with await start_cluster() as running:
        yield running


@pytest.fixture
async def stack(cluster: Cluster) -> AsyncIterator[Stack]:
    async with a_stack(cluster) as running:
        yield running


async def eventually(stack: Stack, query: str, expected: object) -> None:
    """Wait until a query gives this value."""
    async with asyncio.timeout(10):
        while True:
            if await stack.sql.fetchval(query) == expected:
                return
            await asyncio.sleep(0.02)


FILTERS = {
    "id=eq.2": [2],
    "id=neq.2": [1, 3, 4],
    "id=lt.2": [1],
    "id=lte.2": [1, 2],
    "id=gt.3": [4],
    "id=gte.3": [3, 4],
    "id=in.(1, 4)": [1, 4],
    "id=not.in.(1,4)": [2, 3],
    "id=eq.002": [2],
    "id=gt.1,id=lt.4": [2, 3],
    "kind=eq.t1": [1],
    'kind=in.(t1,"a,b")': [1, 2],
    "kind=neq.t1": [2, 3],
    "kind=isdistinct.t1": [2, 3, 4],
    "kind=not.isdistinct.t1": [1],
    "kind=is.null": [4],
    "kind=not.is.null": [1, 2, 3],
    "kind=like.t%": [1],
    "kind=not.like.t%": [2, 3],
    "kind=ilike.T%": [1, 3],
    "kind=match.^[tT][0-9]$": [1, 3],
    "kind=imatch.^T": [1, 3],
    "kind=gt.t": [1],
    'kind=eq."a,b"': [2],
    f"process_id=eq.{ALICE.upper()}": [1, 2],
    f"process_id=not.eq.{ALICE}": [3],
    'body=eq.{"n": 1}': [1],
    'body=not.eq.{"n":1}': [2],
    "body=is.null": [3, 4],
}


async def test_every_operator_finds_the_rows_that_it_should(stack: Stack) -> None:
    got: defaultdict[str, list[int]] = defaultdict(list)
    topics = {f"realtime:f{number}": text for number, text in enumerate(FILTERS)}

    async with stack.client() as client:
        for number, text in enumerate(FILTERS):
            await client.join(f"f{number}", {**EVENTS, "filter": text})
        await stack.sql.execute(
            "insert into t_events values (1, $1, 't1', '{\"n\": 1.0}'), (2, $1, 'a,b', '{}'), (3, $2, 'T3', null),"
            " (4, null, null, null)",
            ALICE,
            BOB,
        )
        for _ in range(sum(map(len, FILTERS.values()))):
            message = await client.next()
            got[topics[message[2]]].append(message[4]["data"]["record"]["id"])
        await client.silence()

    assert got == FILTERS


TYPED = [
    ("num=eq.1.5", "num", "1.500"),
    ("f8=gt.1", "f8", "1.5"),
    ("tstz=lt.2024-01-01", "tstz", "2023-12-31 23:59:59+00"),
    ("iv=eq.1 day", "iv", "24:00:00"),
    ('r=eq."[1,5)"', "r", "[1,4]"),
    ("ch=eq.cx", "ch", "cy"),
    ("by=eq.00ff", "by", "\\x00ff"),
    ("e=gt.sad", "e", "ok"),
    ("dom=in.(7,8)", "dom", "7"),
    ("ip=eq.10.0.0.1/24", "ip", "10.0.0.1/24"),
    ("num=is.null", "num", "NaN"),
    ("b=is.true", "b", "true"),
]


@pytest.mark.parametrize(("text", "column", "value"), TYPED)
async def test_a_value_is_compared_as_its_type_and_as_the_real_server_sees_it(
    stack: Stack, text: str, column: str, value: str
) -> None:
    async with stack.client() as client:
        await client.join("x", {"event": "*", "schema": "public", "table": "t_types", "filter": text})
        await stack.sql.execute(f"insert into t_types({column}) values ('{value}')")

        assert (await client.data())["type"] == "INSERT"


async def test_a_column_that_is_not_in_the_change_meets_no_filter(stack: Stack) -> None:
    async with stack.client() as client:
        await client.join("x", {**EVENTS, "event": "UPDATE", "filter": "kind=not.is.null"})
        await client.join("y", {**EVENTS, "event": "DELETE", "filter": "id=eq.1"})
        await client.join("z", {**EVENTS, "event": "DELETE", "filter": "kind=is.null"})
        await stack.sql.execute("alter table t_events alter kind set storage external")
        await stack.sql.execute("insert into t_events values (1, $1, repeat('x', 100000))", ALICE)
        await stack.sql.execute("update t_events set body = '{}'")
        await stack.sql.execute("delete from t_events")
        deleted = await client.next()
        await client.silence()

    assert (deleted[2], deleted[4]["data"]["type"]) == ("realtime:y", "DELETE")


async def test_a_subscription_is_a_row_as_the_real_server_keeps_it(cluster: Cluster) -> None:
    async with a_stack(cluster, row_removal_s=0.1) as stack:
        async with stack.client(role="authenticated", sub=ALICE) as client:
            wanted = {**EVENTS, "event": "update", "select": ["kind", "id"], "filter": "kind=eq.x,id=not.in.(1,2)"}
            await client.join("x", wanted)
            (row,) = await stack.sql.fetch(
                "select entity::text, filters::text, claims ->> 'sub' as sub, claims_role::text, action_filter,"
                " selected_columns from realtime.subscription"
            )
        await eventually(stack, "select count(*) from realtime.subscription", 0)

    assert tuple(row) == (
        "t_events",
        '{"(id,in,\\"{1,2}\\",t)","(kind,eq,x,f)"}',
        ALICE,
        "authenticated",
        "UPDATE",
        ["id", "kind"],
    )


async def test_a_new_token_is_written_to_the_rows_that_are_there(cluster: Cluster) -> None:
    async with a_stack(cluster, subscribe_retry_s=(0.05, 0.1)) as stack, stack.client() as client:
        await client.join("x", EVENTS)
        before = await stack.sql.fetchrow("select id, subscription_id from realtime.subscription")
        token = stack.url(role="authenticated", sub=ALICE).partition("apikey=")[2].partition("&")[0]
        await client.send("1", "2", "realtime:x", "access_token", {"access_token": token})
        await client.next()
        after = await stack.sql.fetch("select id, subscription_id, claims_role::text from realtime.subscription")

    assert before is not None
    assert [tuple(row) for row in after] == [(*before, "authenticated")]


@pytest.mark.parametrize("statement", ["delete from realtime.subscription", "truncate realtime.subscription"])
async def test_whose_rows_are_deleted_by_hand_is_deaf_until_it_joins_again(stack: Stack, statement: str) -> None:
    async with stack.client() as client:
        await client.join("x", EVENTS)
        await stack.sql.execute(statement)
        await stack.sql.execute("insert into t_events values (1, $1, 'unheard')", ALICE)
        written = await stack.sql.fetchval("select pg_current_wal_flush_lsn()::text")
        await eventually(stack, f"select bool_and(confirmed_flush_lsn >= '{written}') from pg_replication_slots", True)
        await client.join("y", EVENTS)
        await stack.sql.execute("insert into t_events values (2, $1, 'heard')", ALICE)
        message = await client.next()
        await client.silence()

    assert (message[2], message[4]["data"]["record"]["id"]) == ("realtime:y", 2)


async def test_a_worker_that_starts_leaves_no_row_of_an_earlier_one(cluster: Cluster) -> None:
    async with a_stack(cluster) as stack:
        await stack.sql.execute(
            "insert into realtime.subscription (subscription_id, entity, claims)"
            " values (gen_random_uuid(), 't_events', '{\"role\": \"anon\"}')"
        )
        async with stack.client() as client:
            await client.join("x", EVENTS)
            rows = await stack.sql.fetchval("select count(*) from realtime.subscription")

    assert rows == 1


PUBLISHED = "drop publication supabase_realtime; create publication supabase_realtime for table "


async def test_a_table_that_leaves_the_publication_is_told_of_and_not_revived(cluster: Cluster) -> None:
    before = f"{PUBLISHED} t_events, t_cols;"
    other = {"event": "*", "schema": "public", "table": "t_cols"}

    async with a_stack(cluster, before=before, publication_check_s=0.3) as stack, stack.client() as client:
        await client.join("x", EVENTS)
        await client.join("y", other)
        await stack.sql.execute("alter publication supabase_realtime drop table t_events")
        await stack.sql.execute("insert into t_events values (1, $1, 'unheard')", ALICE)
        told = [await client.next(), await client.next()]
        await stack.sql.execute("alter publication supabase_realtime add table t_events")
        again = await client.next()
        await stack.sql.execute("insert into t_events values (2, $1, 'unheard')", ALICE)
        await stack.sql.execute("insert into t_cols values (1, 'a', 'b')")
        heard = await client.next()

    assert {each[2]: (each[4]["status"], each[4]["message"]) for each in told} == {
        "realtime:x": (
            "error",
            "Unable to subscribe to changes with given parameters. Please check Realtime is enabled for the given "
            "connect parameters: [event: *, schema: public, table: t_events, filters: [], select: nil]",
        ),
        "realtime:y": ("ok", "Subscribed to PostgreSQL"),
    }
    assert (again[2], again[4]["status"]) == ("realtime:y", "ok")
    assert heard[2] == "realtime:y"


async def test_an_empty_publication_has_no_slot_until_the_next_look(cluster: Cluster) -> None:
    slots = "select count(*) from pg_replication_slots"
    before = "drop publication supabase_realtime; create publication supabase_realtime;"

    async with a_stack(cluster, before=before, publication_check_s=0.3) as stack, stack.client() as client:
        why = await client.refused("x", EVENTS)
        without = await stack.sql.fetchval(slots)
        await stack.sql.execute("alter publication supabase_realtime add table t_events")
        await eventually(stack, slots, 1)
        await client.join("y", EVENTS)
        await stack.sql.execute("insert into t_events values (1, $1, 'heard')", ALICE)
        change = await client.data()

    assert "Please check Realtime is enabled" in why
    assert (without, change["record"]["id"]) == (0, 1)


FILTERED = f"{PUBLISHED} t_events (id, kind) where (id > 10), t_made;"
MADE = "create table t_made (id int primary key, twice int generated always as (id * 2) stored); "


@pytest.mark.parametrize(
    ("quirks", "seen"),
    [
        (Quirks(), [(1, {"id", "kind", "process_id", "body"}), (11, {"id", "kind", "process_id", "body"})]),
        (Quirks(publication_filters_ignored=False), [(11, {"id", "kind"})]),
    ],
)
async def test_row_filters_and_column_lists_are_ignored_unless_the_quirk_is_off(
    cluster: Cluster, quirks: Quirks, seen: list[tuple[int, set[str]]]
) -> None:
    async with a_stack(cluster, before=MADE + FILTERED, quirks=quirks) as stack, stack.client() as client:
        await client.join("x", EVENTS)
        await stack.sql.execute("insert into t_events values (1, $1, 'a'), (11, $1, 'b')", ALICE)
        records = [(await client.data())["record"] for _ in seen]
        await client.silence()

    assert [(record["id"], set(record)) for record in records] == seen


async def test_generated_columns_come_where_postgresql_can_publish_them(cluster: Cluster) -> None:
    async with a_stack(cluster, before=MADE + "grant select on t_made to anon;") as stack, stack.client() as client:
        await client.join("x", {"event": "*", "schema": "public", "table": "t_made"})
        await stack.sql.execute("insert into t_made values (4)")
        change = await client.data()

    version = int(cluster.version.partition(".")[0])
    assert change["record"] == ({"id": 4, "twice": 8} if version >= 18 else {"id": 4})
    assert [each["name"] for each in change["columns"]] == ["id", "twice"]


async def test_a_publication_is_followed_whatever_becomes_of_it(cluster: Cluster) -> None:
    async with a_stack(cluster, before=f"{PUBLISHED} t_cols;") as stack, stack.client() as client:
        mirrored = (
            "select array_agg(tablename::text order by tablename) from pg_publication_tables where pubname = '{}'"
        )
        ours, seen = mirrored.format("harness_supabase_realtime"), []
        for statement in (
            "alter publication supabase_realtime add table t_events",
            "alter publication supabase_realtime set table t_nopk",
            "drop publication supabase_realtime",
            "create publication supabase_realtime for tables in schema auth",
            "create table auth.t_late (id int primary key)",
            "alter publication supabase_realtime set (publish = 'insert')",
        ):
            await stack.sql.execute(statement)
            seen.append(await stack.sql.fetchval(ours))
        actions = await stack.sql.fetchrow(
            "select pubinsert, pubupdate, pubdelete, pubtruncate from pg_publication"
            " where pubname = 'harness_supabase_realtime'"
        )
        await stack.sql.execute(
            "drop publication supabase_realtime; create publication supabase_realtime for all tables"
        )
        await client.join("x", EVENTS)
        await stack.sql.execute("insert into t_events values (1, $1, 'heard')", ALICE)
        heard = await client.data()

    assert seen == [["t_cols", "t_events"], ["t_nopk"], None, None, ["t_late"], ["t_late"]]
    assert actions is not None
    assert tuple(actions) == (True, False, False, False)
    assert heard["record"]["id"] == 1


async def test_a_change_of_a_partition_carries_the_name_of_the_leaf(cluster: Cluster) -> None:
    before = """
    create table t_parted (id int primary key) partition by range (id);
    create table t_leaf partition of t_parted for values from (0) to (10);
    grant select on t_parted, t_leaf to anon;
    """

    async with a_stack(cluster, before=before) as stack, stack.client() as client:
        await client.join("x", {"event": "*", "schema": "public", "table": "t_leaf"})
        why = await client.refused("y", {"event": "*", "schema": "public", "table": "t_parted"})
        await stack.sql.execute("insert into t_parted values (1)")
        change = await client.data()

    assert (change["table"], change["record"]) == ("t_leaf", {"id": 1})
    assert "Please check Realtime is enabled" in why


async def test_names_may_hold_whatever_postgresql_allows(cluster: Cluster) -> None:
    before = """
    create schema "Sch. ema"; grant usage on schema "Sch. ema" to anon, authenticated;
    create table "Sch. ema"."T'a,b""le" ("Ke y" int primary key, "c'o""l" text);
    grant select on "Sch. ema"."T'a,b""le" to anon, authenticated;
    alter table "Sch. ema"."T'a,b""le" enable row level security;
    create policy all_of_it on "Sch. ema"."T'a,b""le" for select to anon using ("c'o""l" = 'x');
    """
    element = {"event": "*", "schema": "Sch. ema", "table": "T'a,b\"le", "filter": "c'o\"l=like.x%"}

    async with a_stack(cluster, before=before) as stack, stack.client() as client:
        await client.join("x", element)
        await stack.sql.execute("""insert into "Sch. ema"."T'a,b""le" values (1, 'x'), (2, 'xy')""")
        change = await client.data()
        await client.silence()

    assert (change["schema"], change["table"]) == ("Sch. ema", "T'a,b\"le")
    assert change["record"] == {"Ke y": 1, "c'o\"l": "x"}


async def test_a_table_that_is_altered_in_mid_stream_is_seen_as_it_is(stack: Stack) -> None:
    async with stack.client() as client:
        await client.join("x", EVENTS)
        seen: list[tuple[list[str], dict[str, str]]] = []
        for statement in (
            "select 1",
            "alter table t_events add more int default 5",
            "alter table t_events rename kind to sort",
            "alter table t_events drop body",
            "alter table t_events alter sort type varchar(20)",
            "truncate t_events",
        ):
            await stack.sql.execute(statement)
            await stack.sql.execute("insert into t_events values ($1, $2, 'a')", len(seen) + 1, ALICE)
            change = await client.data()
            seen.append((sorted(change["record"]), change["columns"][2]))
        await stack.sql.execute("alter table t_events rename to t_other")
        await stack.sql.execute("insert into t_other values (9)")
        renamed = await client.data()
        await stack.sql.execute("begin; insert into t_other values (10); drop table t_other; commit")
        await client.send(None, "h", "phoenix", "heartbeat", {})
        heard = await client.next()
        # Other sessions hear that a table was dropped a moment after they see the commit: judged in that moment, the
        # row still counts.
        if heard[3] == "postgres_changes":
            assert heard[4]["data"]["record"]["id"] == 10
            heard = await client.next()
        assert heard[1] == "h"

    assert [names for names, _ in seen] == [
        ["body", "id", "kind", "process_id"],
        ["body", "id", "kind", "more", "process_id"],
        ["body", "id", "more", "process_id", "sort"],
        ["id", "more", "process_id", "sort"],
        ["id", "more", "process_id", "sort"],
        ["id", "more", "process_id", "sort"],
    ]
    assert seen[-1][1] == {"name": "sort", "type": "varchar"}
    assert (renamed["table"], renamed["record"]["id"]) == ("t_other", 9)


@pytest.mark.parametrize("quirks", [Quirks(), Quirks(schema_drift_loses_batch=False)])
async def test_a_column_that_is_gone_before_the_change_is_looked_at_costs_the_batch_unless_the_quirk_is_off(
    cluster: Cluster, quirks: Quirks
) -> None:
    async with a_stack(cluster, quirks=quirks) as stack, stack.client() as client:
        await client.join("x", EVENTS)
        await stack.sql.execute(
            f"begin; insert into t_events values (1, '{ALICE}'); alter table t_events drop body; commit"
        )
        if quirks.schema_drift_loses_batch:
            await asyncio.wait_for(stack.failed.wait(), 10)
            await asyncio.wait_for(stack.warm_again(), 10)
            await stack.sql.execute("insert into t_events values (2)")
        record = (await client.data())["record"]

    assert record["id"] == (2 if quirks.schema_drift_loses_batch else 1)
    assert "body" not in record


@pytest.mark.parametrize("filter_", ["ta=eq.{a}", "j=eq.{}", "pt=eq.(1,2)"])
async def test_a_poisonous_filter_costs_everybody_the_batch(cluster: Cluster, filter_: str) -> None:
    types = {"event": "*", "schema": "public", "table": "t_types"}

    async with a_stack(cluster) as stack, stack.client() as client, stack.client() as poison:
        await client.join("x", types)
        await poison.join("bad", {**types, "filter": filter_})
        await stack.sql.execute("insert into t_types(i2, ta, j, pt) values (1, '{a}', '{}', '(1,2)')")
        await asyncio.wait_for(stack.failed.wait(), 10)
        await asyncio.wait_for(stack.warm_again(), 10)
        await stack.sql.execute("insert into t_events values (1, $1, 'a')", ALICE)
        await stack.sql.execute("insert into t_types(i2, ta) values (2, null)" if "ta" in filter_ else "select 1")
        seen = (await client.data())["record"]["i2"] if "ta" in filter_ else None
        await client.silence()

    assert seen == (2 if "ta" in filter_ else None)


async def test_without_the_quirk_a_poisonous_filter_harms_nobody(cluster: Cluster) -> None:
    types = {"event": "*", "schema": "public", "table": "t_types"}

    async with a_stack(cluster, quirks=Quirks(poisonous_filters=False)) as stack, stack.client() as client:
        await client.join("bad", {**types, "filter": "pt=eq.(1,2)"})
        await client.join("x", types)
        await stack.sql.execute("insert into t_types(i2, pt) values (1, '(1,2)')")
        message = await client.next()
        await client.silence()

    assert message[2] == "realtime:x"


async def test_without_the_quirk_a_policy_that_raises_hides_its_rows(cluster: Cluster) -> None:
    owned = {"event": "*", "schema": "public", "table": "t_owned"}
    quirks = Quirks(raising_policy_loses_batch=False)

    async with (
        a_stack(cluster, quirks=quirks) as stack,
        stack.client() as client,
        stack.client(role="service_role") as service,
    ):
        for each in (client, service):
            await each.join("x", owned)
        await stack.sql.execute("create policy bad on t_owned for select to anon using (1 / (id - id) = 1)")
        await stack.sql.execute("insert into t_owned values (1, $1, false, 'hidden')", ALICE)
        seen = (await service.data())["record"]["id"]
        await client.silence()

    assert seen == 1


@pytest.mark.parametrize(
    ("quirks", "record"),
    [
        (Quirks(), {"id": 1, "kind": "x" * 62}),
        (Quirks(oversize_drops_nulls=False), {"id": 1, "kind": "x" * 62, "process_id": None}),
    ],
)
async def test_a_row_that_is_too_large_keeps_only_what_is_short(
    cluster: Cluster, quirks: Quirks, record: dict[str, Any]
) -> None:
    async with a_stack(cluster, quirks=quirks) as stack, stack.client() as client:
        await client.join("x", EVENTS)
        await stack.sql.execute(
            "insert into t_events values (1, null, repeat('x', 62), jsonb_build_object('k', repeat('y', 1200000)))"
        )
        large = await client.data()
        await stack.sql.execute("update t_events set kind = repeat('z', 1100000)")
        longer = await client.data()
        await stack.sql.execute("update t_events set kind = 'short'")
        small = await client.data()

    assert (large["errors"], large["record"]) == (["Error 413: Payload Too Large"], record)
    assert [each["name"] for each in large["columns"]] == ["id", "process_id", "kind", "body"]
    assert large["commit_timestamp"] is not None
    assert (longer["errors"], longer["old_record"]) == (["Error 413: Payload Too Large"], {"id": 1})
    assert "kind" not in longer["record"]
    assert (small["errors"], small["record"]) == (None, {"id": 1, "process_id": None, "kind": "short"})


async def test_a_huge_transaction_comes_whole_and_in_order(cluster: Cluster) -> None:
    async with a_stack(cluster, polled=True, **FAST) as stack, stack.client() as client:
        await client.join("x", EVENTS)
        await stack.sql.execute("insert into t_events select n, null, 'a' from generate_series(1, 500) n")
        changes = [await client.data() for _ in range(500)]

    assert [each["record"]["id"] for each in changes] == list(range(1, 501))
    assert len({each["commit_timestamp"] for each in changes}) == 1


TERMINATE = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name like $1"


async def test_a_poller_that_is_killed_loses_what_is_written_until_it_is_back(cluster: Cluster) -> None:
    async with a_stack(cluster, polled=True, reconnect_s=(0.4, 0.5), **FAST) as stack, stack.client() as client:
        await client.join("x", EVENTS)
        killed = await stack.sql.fetchval(TERMINATE, "realtime_rls")
        await stack.sql.execute("insert into t_events values (1, $1, 'lost')", ALICE)
        await asyncio.wait_for(stack.failed.wait(), 10)
        await eventually(stack, "select count(*) from pg_replication_slots", 1)
        await stack.sql.execute("insert into t_events values (2, $1, 'heard')", ALICE)
        change = await client.data()
        await client.silence()

    assert (killed, change["record"]["id"]) == (1, 2)


async def test_a_subscription_manager_that_is_killed_is_not_noticed(cluster: Cluster) -> None:
    async with a_stack(cluster, polled=True, row_removal_s=0.2, **FAST) as stack, stack.client() as client:
        await client.join("x", EVENTS)
        await asyncio.sleep(0.3)
        killed = await stack.sql.fetchval(TERMINATE, "realtime_subscription_manager%")
        await stack.sql.execute("insert into t_events values (1, $1, 'a')", ALICE)
        change = await client.data()
        await asyncio.sleep(0.5)
        await client.join("y", EVENTS)

    assert (killed, change["record"]["id"]) == (2, 1)


async def test_a_worker_that_is_idle_gives_up_its_slot(cluster: Cluster) -> None:
    times: dict[str, Any] = {"idle_stop_s": 0.3, "publication_check_s": 0.1}

    async with a_stack(cluster, **times) as stack:
        async with stack.client() as client:
            await client.join("x", EVENTS)
            used = await stack.sql.fetchval("select count(*) from pg_replication_slots")
        await eventually(stack, "select count(*) from pg_replication_slots", 0)
        async with stack.client() as client:
            await client.join("x", EVENTS)

    assert used == 1


async def test_a_slot_that_another_session_holds_is_busy_until_that_is_ended(cluster: Cluster) -> None:
    holder, waiting = PolledSource(cluster.url()), PolledSource(cluster.url())
    visibility = PostgresVisibility(cluster.url())
    await holder.open()
    with pytest.raises(SlotBusy):
        await waiting.open()

    await visibility.release("supabase_realtime_replication_slot")
    async with asyncio.timeout(10):
        while True:
            try:
                await waiting.open()
                break
            except SlotBusy:
                await asyncio.sleep(0.02)

    for each in (waiting, holder, visibility):
        await each.close()


async def test_a_batch_costs_two_round_trips_whoever_looks(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    fetch = Session.fetch

    async def counting(self: Session, query: str, *arguments: Any) -> Any:
        asked.append(query)
        return await fetch(self, query, *arguments)

    async with stack.client(role="authenticated", sub=ALICE) as alice, stack.client(role="service_role") as service:
        clients: tuple[Client, ...] = (alice, service)
        for client in clients:
            await client.join("x", {"event": "*", "schema": "public", "table": "t_owned", "filter": "public=eq.true"})
        await stack.sql.execute("insert into t_owned values (1, $1, true, 'a')", ALICE)
        for client in clients:
            await client.data()
        monkeypatch.setattr(Session, "fetch", counting)
        await stack.sql.execute("insert into t_owned select n, $1, true, 'b' from generate_series(2, 20) n", ALICE)
        seen = [[(await client.data())["record"]["id"] for _ in range(19)] for client in clients]

    assert seen == [list(range(2, 21))] * 2
    assert len(asked) == 2


async def test_what_is_prepared_for_a_table_is_so_once_however_often_it_is_polled(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every poll describes the table anew, though nothing was altered."""
    sessions: set[Session] = set()
    fetch = Session.fetch

    async def noting(self: Session, query: str, *arguments: Any) -> Any:
        sessions.add(self)
        return await fetch(self, query, *arguments)

    monkeypatch.setattr(Session, "fetch", noting)
    prepared: list[int] = []
    async with a_stack(cluster, polled=True) as stack, stack.client(role="authenticated", sub=ALICE) as alice:
        await alice.join("x", {"event": "*", "schema": "public", "table": "t_owned"})
        for number in range(4):
            await stack.sql.execute("insert into t_owned values ($1, $2, true, 'a')", number, ALICE)
            await alice.data()
            counts = [
                await fetch(each, "select count(*) from pg_prepared_statements where name like 'harness%'")
                for each in sessions
            ]
            prepared.append(sum(rows[0][0] for rows in counts))

    assert prepared[0] > 0
    assert prepared == prepared[:1] * 4


async def test_equal_claims_are_judged_alike_and_different_ones_each_for_itself(stack: Stack) -> None:
    await stack.sql.execute(
        "drop policy own on t_owned;"
        "create policy cached on t_owned to authenticated using (owner = (select auth.uid()))"
    )
    async with (
        stack.client(role="authenticated", sub=ALICE) as alice,
        stack.client(role="authenticated", sub=BOB) as bob,
    ):
        for client in (alice, bob):
            await client.join("x", {"event": "INSERT", "schema": "public", "table": "t_owned"})
        await stack.sql.execute(
            "insert into t_owned values (1, $1, false), (2, $2, false), (3, $1, false), (4, $2, false)", ALICE, BOB
        )
        seen = [[(await client.data())["record"]["id"] for _ in range(2)] for client in (alice, bob)]
        for client in (alice, bob):
            await client.silence()

    assert seen == [[1, 3], [2, 4]]


async def test_injected_sql_is_only_text(stack: Stack) -> None:
    async with stack.client() as client:
        await client.join("x", {**EVENTS, "filter": "kind=like.'||(drop table t_events)||'"})
        why = await client.refused("y", {**EVENTS, "filter": "kind'; drop table t_events; --=eq.1"})
        await client.refused("z", {**EVENTS, "table": "t_events'; drop table t_events; --"})
        await stack.sql.execute("insert into t_events values (1, $1, '''||(drop table t_events)||''')", ALICE)
        change = await client.data()

    assert change["record"]["kind"] == "'||(drop table t_events)||'"
    assert "invalid column for filter kind'; drop table t_events; --" in why


async def test_the_row_of_a_role_that_is_gone_does_not_hold_up_the_others(stack: Stack) -> None:
    with pytest.raises(asyncpg.UndefinedObjectError):
        await stack.sql.execute(
            "insert into realtime.subscription (subscription_id, entity, claims)"
            " values (gen_random_uuid(), 't_events', '{\"role\": \"nobody\"}')"
        )
