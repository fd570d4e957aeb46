"""Injection is tried and fails: by names, filters, claims, topics, paths, parameters and bodies.

Each attempt must be refused or come to nothing. What proves it: tables and roles are as they were, the neighbour's
socket hears what it is entitled to and nothing else, no exception of ours was raised, no secret left the process.
"""

import asyncio
import json
import logging
import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any
from urllib.parse import quote

import jwt
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from websockets.asyncio.client import connect

from harness.backends.cluster import Cluster, start_cluster
from harness.errors import UsageError
from harness.history import Recorder
from harness.pipeline.backend_app import GENERATION, Application
from harness.pipeline.reference import Reference
from harness.pipeline.schema import queries, schema_sql
from harness.realtime.plans import PLANS
from harness.realtime.quirks import Quirks
from harness.tokens import DEVELOPMENT_SECRET
from tests.contracts.memory_store import MemoryStore
from tests.integration import broadcast_stack
from tests.integration.command import QUICK, Command
from tests.integration.realtime_stack import ALICE, BOB, CLOCK, Client, Stack, a_stack

QUOTED_ROLE = "weird\"role'; --"
HOSTILE = [
    "t_events'; drop table t_cols; --",
    't_events"; drop table t_cols; --',
    "$$; drop table t_cols; $$",
    "t_events\\",
    "\\'; drop table t_cols; --",
    "t\0_events",
    "t_events\n\r\t",
    "\u202et_events",
    "%s%I%L%1$s",
    "{}{0}{schema}",
    "x" * 5000,
    "public.t_cols",
    "pg_catalog.pg_authid",
    "",
]
ENDLESS = r"^(.+)(.+)(.+)(.+)\4\4\3\3\2\2\1\1\1$"
"""A regular expression that 300 equal letters keep busy for longer than any test lasts."""
NAMES_ONE_TABLE = {"event": "*", "schema": "public", "table": "t_cols"}
POLICIES = f"""
drop role if exists "{QUOTED_ROLE.replace('"', '""')}";
create role "{QUOTED_ROLE.replace('"', '""')}" nologin;
grant usage on schema realtime to "{QUOTED_ROLE.replace('"', '""')}";
grant select, insert on realtime.messages to "{QUOTED_ROLE.replace('"', '""')}";
create policy reads on realtime.messages for select to authenticated using (realtime.topic() = 'mine');
create policy writes on realtime.messages for insert to authenticated with check (realtime.topic() = 'mine');
create policy raises on realtime.messages for select to "{QUOTED_ROLE.replace('"', '""')}"
  using ((realtime.topic() || 'told to nobody')::int = 1);
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster() -> AsyncIterator[Cluster]:
    async with await start_cluster() as running:
        yield running


@pytest.fixture
async def stack(cluster: Cluster) -> AsyncIterator[Stack]:
    async with a_stack(cluster, limits=PLANS["off"], quirks=Quirks(slow_join_refusal=False)) as running:
        yield running


@pytest.fixture
async def broadcasts(cluster: Cluster) -> AsyncIterator[broadcast_stack.Stack]:
    async with broadcast_stack.a_stack(
        cluster, migration=POLICIES, limits=PLANS["off"], slow_connect_refusal=False
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_of_ours_breaks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Neither a request nor a task ended with an exception that nobody expected."""
    yield
    assert [each.getMessage() for each in caplog.get_records("call") if each.levelno >= logging.ERROR] == []


def signed(**claims: Any) -> str:
    return jwt.encode({"role": "anon", "exp": int(CLOCK.wall().timestamp()) + 600, **claims}, DEVELOPMENT_SECRET)


@asynccontextmanager
async def socket_of(stack: Stack, **claims: Any) -> AsyncIterator[Client]:
    url = f"ws://127.0.0.1:{stack.port}/socket/websocket?apikey={signed(**claims)}&vsn=2.0.0"
    async with connect(url, ping_interval=None, max_size=None) as socket:
        yield Client(socket=socket)


async def attempt(client: Client, element: Mapping[str, Any], *, topic: str = "attack") -> str:
    """What the server says to a join with one element, which is left again; '' for a subscription."""
    await client.send("1", "1", f"realtime:{topic}", "phx_join", {"config": {"postgres_changes": [element]}})
    assert (await client.next())[4]["status"] == "ok"
    answer = (await client.next())[4]
    await client.send("1", "2", f"realtime:{topic}", "phx_leave", {})
    await client.next(), await client.next()
    return "" if answer["status"] == "ok" else str(answer["message"])


async def as_it_was(stack: Stack) -> list[tuple[Any, ...]]:
    """Tables, roles that may log in or stand above row security, and our own triggers."""
    rows = await stack.sql.fetch(
        "select 'table', relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
        " union all select 'role', rolname from pg_roles where rolsuper or rolcanlogin or rolbypassrls"
        " union all select 'trigger', tgname from pg_trigger where not tgisinternal order by 1, 2"
    )
    return [tuple(row) for row in rows]


async def test_no_name_or_value_of_a_binding_is_ever_sql(stack: Stack) -> None:
    before = await as_it_was(stack)
    operators = ("eq", "neq", "lt", "is", "like", "ilike", "match", "imatch", "isdistinct", "not.eq")

    async with stack.client() as neighbour, stack.client(role="authenticated") as attacker:
        await neighbour.join("quiet", NAMES_ONE_TABLE)
        for text in HOSTILE:
            refused: list[dict[str, Any]] = [
                {**NAMES_ONE_TABLE, "table": text},
                {**NAMES_ONE_TABLE, "schema": text},
                {**NAMES_ONE_TABLE, "filter": f"id=eq.{text}"},
                {**NAMES_ONE_TABLE, "filter": f"id=in.({text}')"},
                {**NAMES_ONE_TABLE, "filter": f"a=is.{text}"},
                {**NAMES_ONE_TABLE, "filter": f"{text}=eq.1"},
                {**NAMES_ONE_TABLE, "select": [text, "id"]},
            ]
            assert "" not in [await attempt(attacker, element) for element in refused], text
            for operator in operators:
                await attempt(attacker, {**NAMES_ONE_TABLE, "filter": f"a={operator}.{text}"})
            await attempt(attacker, {**NAMES_ONE_TABLE, "event": text})
        await stack.sql.execute("insert into t_cols values (1, 'a', 'b')")

        assert (await neighbour.data())["record"] == {"id": 1, "a": "a"}
        await neighbour.silence()
    assert await as_it_was(stack) == before


async def test_hostile_values_that_are_accepted_are_compared_and_nothing_else(stack: Stack) -> None:
    before = await as_it_was(stack)
    texts = [text for text in HOSTILE if "\0" not in text and text == text.strip() and "," not in text]

    async with stack.client(role="authenticated") as client:
        for number, text in enumerate(texts):
            quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
            await client.join(f"{number}", {**NAMES_ONE_TABLE, "filter": f"a=eq.{quoted},b=neq.{quoted}"})
        for number, text in enumerate(texts):
            await stack.sql.execute("insert into t_cols values ($1, $2, 'other')", number, text)
        heard = [await client.next() for _ in texts]
        await client.silence()

    assert [(each[2], each[4]["data"]["record"]["a"]) for each in heard] == [
        (f"realtime:{number}", text) for number, text in enumerate(texts)
    ]
    assert await as_it_was(stack) == before


async def test_a_pattern_reaches_published_tables_only_and_grants_and_policies_still_hold(stack: Stack) -> None:
    await stack.sql.execute("create table t_closed (id int primary key, v text)")

    async with stack.client() as client:
        await client.join("wild", {"event": "*", "schema": "%", "table": "t_%"})
        await stack.sql.execute(
            "insert into t_closed values (1, 'secret'); insert into t_owned values (1, $$"
            + BOB
            + "$$, false, 'secret');"
            "insert into t_cols values (1, 'shown', 'secret')"
        )
        heard = [(await client.data()) for _ in range(2)]
        await client.silence()

    assert "secret" not in json.dumps(heard)
    assert [(each["table"], each["record"], each["errors"]) for each in heard] == [
        ("t_closed", {}, ["Error 401: Unauthorized"]),
        ("t_cols", {"id": 1, "a": "shown"}, None),
    ]


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("supabase_admin", 'role "supabase_admin" does not exist'),
        ("none", 'role "none" does not exist'),
        ("public", 'role "public" does not exist'),
        ("current_user", 'role "current_user" does not exist'),
        ("10", 'role "10" does not exist'),
        ("'; alter role anon superuser; --", 'role "\'; alter role anon superuser; --" does not exist'),
        ("anon\0", "\\u0000 cannot be converted to text."),
        ("", 'role "" does not exist'),
        (5, 'role "5" does not exist'),
        (["anon"], 'role "["anon"]" does not exist'),
    ],
)
async def test_a_role_that_is_none_subscribes_to_nothing(stack: Stack, role: Any, said: str) -> None:
    before = await as_it_was(stack)

    async with socket_of(stack, role=role) as client:
        words = await attempt(client, NAMES_ONE_TABLE)

    assert words.endswith(said)
    assert await as_it_was(stack) == before


async def test_a_role_with_quotes_in_its_name_is_that_role(stack: Stack) -> None:
    name = QUOTED_ROLE.replace('"', '""')
    await stack.sql.execute(f'drop role if exists "{name}"; create role "{name}" nologin')
    await stack.sql.execute(
        f'grant select on t_owned to "{name}"; create policy q on t_owned to "{name}" using (id = 1)'
    )

    async with socket_of(stack, role=QUOTED_ROLE) as client:
        await client.join("x", {**NAMES_ONE_TABLE, "table": "t_owned"})
        await stack.sql.execute(f"insert into t_owned values (2, '{BOB}', true, 'no'), (1, '{BOB}', false, 'yes')")
        record = (await client.data())["record"]
        await client.silence()
    await stack.sql.execute(f'drop owned by "{name}"; drop role "{name}"')

    assert (record["id"], record["v"]) == (1, "yes")


async def test_a_superuser_in_a_signed_token_is_one_as_on_the_real_server(stack: Stack) -> None:
    """Who has the secret may be anybody; the next to be asked about is who he says he is (realtime-facts 4.1)."""
    async with socket_of(stack, role="postgres") as root, stack.client(role="authenticated", sub=ALICE) as alice:
        await root.join("x", {**NAMES_ONE_TABLE, "table": "t_owned"})
        await alice.join("x", {**NAMES_ONE_TABLE, "table": "t_owned"})
        await stack.sql.execute(f"insert into t_owned values (1, '{BOB}', false, 'of bob')")

        assert (await root.data())["record"]["v"] == "of bob"
        await alice.silence()


async def test_claims_are_data_for_policies_and_never_sql(stack: Stack) -> None:
    before = await as_it_was(stack)
    await stack.sql.execute(
        "create table t_said (id int primary key); alter table t_said enable row level security;"
        "create policy p on t_said for select to anon using"
        " (current_setting('request.jwt.claims')::jsonb ->> 'sub' = 'me' and current_user = 'anon');"
        "grant select on t_said to anon"
    )
    subs = ["me' or true --", "'; set role postgres; --", "$1", "x" * 2500, {"role": "postgres"}, 1e300, None, "me"]

    async with stack.client() as neighbour:
        await neighbour.join("quiet", {**NAMES_ONE_TABLE, "table": "t_events"})
        heard = []
        for number, sub in enumerate(subs):
            async with socket_of(stack, sub=sub, role_="postgres", aud="\"'\\") as client:
                await client.join("x", {**NAMES_ONE_TABLE, "table": "t_said"})
                await stack.sql.execute("insert into t_said values ($1)", number)
                if sub == "me":
                    heard.append((await client.data())["record"])
                await client.silence()
        async with socket_of(stack, sub="\0") as client:
            assert "\\u0000 cannot be converted to text" in await attempt(client, NAMES_ONE_TABLE)
        await neighbour.silence()

    await stack.sql.execute("drop table t_said")
    assert heard == [{"id": len(subs) - 1}]
    assert await as_it_was(stack) == before


async def test_who_lost_a_grant_or_a_membership_sees_nothing_from_then_on(stack: Stack) -> None:
    """Neither alters the table, so nothing that was prepared for it earlier may decide."""
    await stack.sql.execute(
        "drop role if exists readers; create role readers; grant readers to anon with inherit true;"
        "create table t_shared (id int primary key); alter table t_shared enable row level security;"
        "create policy p on t_shared for select using (true); grant select on t_shared to readers"
    )

    async with stack.client() as client:
        await client.join("x", {**NAMES_ONE_TABLE, "table": "t_shared"})
        await stack.sql.execute("insert into t_shared values (1)")
        before = await client.data()
        await stack.sql.execute("revoke readers from anon")
        await stack.sql.execute("insert into t_shared values (2)")
        after = await client.data()
    await stack.sql.execute("drop table t_shared; drop role readers")

    assert (before["record"], before["errors"]) == ({"id": 1}, None)
    assert (after["record"], after["errors"]) == ({}, ["Error 401: Unauthorized"])
    assert [op.error for op in stack.recorder.ops() if op.error] == []


async def test_judged_by_version_a_policy_of_a_role_that_was_left_applies_no_more(cluster: Cluster) -> None:
    async with a_stack(cluster, quirks=Quirks(rls_sees_current_row=False)) as stack:
        await stack.sql.execute(
            "drop role if exists editors; create role editors; grant editors to anon with inherit true;"
            "create table t_edited (id int primary key); alter table t_edited enable row level security;"
            "create policy p on t_edited for select to editors using (true); grant select on t_edited to anon"
        )
        async with stack.client() as client:
            await client.join("x", {**NAMES_ONE_TABLE, "table": "t_edited"}, {**NAMES_ONE_TABLE, "table": "t_cols"})
            await stack.sql.execute("insert into t_edited values (1)")
            before = await client.data()
            await stack.sql.execute("revoke editors from anon")
            await stack.sql.execute("insert into t_edited values (2); insert into t_cols values (3, '', '')")
            after = await client.data()
        await stack.sql.execute("drop table t_edited; drop role editors")

    assert [(each["table"], each["record"]["id"]) for each in (before, after)] == [("t_edited", 1), ("t_cols", 3)]


async def test_a_monstrous_regular_expression_is_refused_or_cut_off(cluster: Cluster) -> None:
    """The poll that evaluates it is lost, as on the real server (realtime-facts 4.3); everything else goes on."""
    async with a_stack(cluster, poll_timeout_s=0.5, quirks=Quirks(slow_reconnect=False)) as stack:
        async with stack.client() as neighbour:
            await neighbour.join("quiet", NAMES_ONE_TABLE)
            async with stack.client() as attacker:
                too_complex = {**NAMES_ONE_TABLE, "filter": "a=match.(((a{1,255}){1,255}){1,255})"}
                assert "regular expression is too complex" in await attempt(attacker, too_complex)
                await attacker.join("x", {**NAMES_ONE_TABLE, "filter": f"a=match.{ENDLESS}"})
                await stack.sql.execute("insert into t_cols values (1, repeat('x', 300), '')")
                await asyncio.wait_for(stack.failed.wait(), 5)
            await stack.warm_again()
            busy = "select count(*) from pg_stat_activity where state = 'active' and query like '%harness_meets%'"
            assert await stack.sql.fetchval(f"{busy} and pid <> pg_backend_pid()") == 0
            await stack.sql.execute("insert into t_cols values (2, 'fine', '')")

            assert (await neighbour.data())["record"] == {"id": 2, "a": "fine"}


async def test_the_role_of_a_session_is_reset_after_whatever_raises(stack: Stack) -> None:
    await stack.sql.execute(
        "create table t_raises (id int primary key); alter table t_raises enable row level security;"
        "create policy p on t_raises for select using ((id::text || 'told to nobody')::int = 1);"
        "grant select on t_raises to anon"
    )

    async with stack.client() as neighbour, stack.client() as client:
        await neighbour.join("quiet", {**NAMES_ONE_TABLE, "table": "t_owned"})
        await client.join("x", {**NAMES_ONE_TABLE, "table": "t_raises"})
        await stack.sql.execute("insert into t_raises values (1)")
        await asyncio.wait_for(stack.failed.wait(), 5)
        await stack.warm_again()
        await stack.sql.execute(f"insert into t_owned values (1, '{BOB}', false, 'no'), (2, '{BOB}', true, 'yes')")

        assert (await neighbour.data())["record"]["v"] == "yes"
        await neighbour.silence()
        await client.silence()


async def test_whoever_may_alter_a_publication_does_not_become_a_superuser_by_our_trigger(stack: Stack) -> None:
    """The event trigger runs as superuser; names that its caller puts in front must not be the ones it uses."""
    await stack.sql.execute(
        "drop role if exists mallory; create role mallory; grant create on database realtime_test to mallory;"
        "set role mallory; create schema evil;"
        "create function evil.concat_ws(text, text, text, text) returns text language plpgsql as"
        " $$ begin execute 'alter role mallory superuser'; return ''; end $$;"
        "create function evil.current_setting(text, boolean) returns text language plpgsql as"
        " $$ begin execute 'alter role mallory superuser'; return 'off'; end $$;"
        "set search_path = evil, pg_catalog; create publication mine; reset role; reset search_path"
    )

    is_super = await stack.sql.fetchval("select rolsuper from pg_roles where rolname = 'mallory'")
    await stack.sql.execute("drop owned by mallory; drop role mallory")

    assert is_super is False


@pytest.mark.parametrize("topic", ["mine' --", "' or 1=1 --", "mine\n", "mi\0ne", 'mi"ne', "x" * 50_000, "%", "mine "])
async def test_no_topic_is_another_topic(broadcasts: broadcast_stack.Stack, topic: str) -> None:
    reason = await broadcasts.refusal(topic)

    assert reason == f"Unauthorized: You do not have permissions to read from this Channel topic: {topic}"
    assert await broadcasts.refusal("mine") is None


@pytest.mark.parametrize("role", [QUOTED_ROLE, "'; drop table realtime.messages; --", "x\0", "session_user", 5, None])
async def test_a_policy_that_raises_and_a_role_that_is_none_tell_nothing(
    broadcasts: broadcast_stack.Stack, role: Any
) -> None:
    url = f"ws://127.0.0.1:{broadcasts.port}/socket/websocket?apikey={signed(role=role)}&vsn=2.0.0"
    async with connect(url) as socket:
        client = broadcast_stack.Client(socket=socket, vsn="2.0.0", topic="realtime:other")

        reason = await client.join({"private": True})

    assert reason == "Unauthorized: You do not have permissions to read from this Channel topic: other"
    assert await broadcasts.sql.fetchval("select count(*) from realtime.messages") == 0


async def test_events_and_presence_keys_arrive_as_they_were_sent_and_disturb_nobody(
    broadcasts: broadcast_stack.Stack,
) -> None:
    async with broadcasts.client("room") as listener, broadcasts.client("elsewhere") as neighbour:
        for text in HOSTILE:
            key = {"presence": {"enabled": True, "key": text}}
            async with broadcasts.client("presence", config=key) as other:
                await other.send("presence", {"type": "presence", "event": "track", "payload": {"n": text}})
            async with broadcasts.client("room") as sender:
                await sender.broadcast(text, text=text)
                event, payload = await listener.next()
            assert (event, payload) == ("broadcast", {"event": text, "payload": {"text": text}, "type": "broadcast"})
        await neighbour.silence()


async def test_paths_and_bodies_over_http_are_refused_or_data(broadcasts: broadcast_stack.Stack) -> None:
    paths = [
        f"/api/broadcast/{quote(text, safe='')}/events/{quote(text, safe='')}"
        for text in HOSTILE
        if 0 < len(text) < 1000
    ]
    surrogate = {"messages": [{"topic": "\ud800", "event": "\ud800", "payload": {"a": "\ud800"}}]}
    named = {"messages": [{"topic": text, "event": text, "payload": {"a": text}} for text in HOSTILE if text]}

    async with broadcasts.client("elsewhere") as neighbour:
        statuses = {(await broadcasts.post(f"{path}?private=true", {"a": 1}))[0] for path in paths}
        answers = [
            await broadcasts.post("/api/broadcast", body)
            for body in (surrogate, b'{"messages": [{"topic": "\xed\xa0\x80"}]}', b"[" * 100_000, b'{"a": 1e999}')
        ]
        accepted = await broadcasts.post("/api/broadcast", named)
        await neighbour.silence()

    assert statuses == {403, 422}  # 422: NUL, which no table can hold
    assert [answer[:2] for answer in answers] == [(400, "Bad Request")] * 4
    assert accepted[:2] == (202, None)


async def test_the_admin_api_takes_nothing_that_would_break_the_server(broadcasts: broadcast_stack.Stack) -> None:
    tenant = f"http://127.0.0.1:{broadcasts.port}/api/tenants"
    headers = {"Authorization": f"Bearer {signed()}"}
    columns: list[dict[str, Any]] = [
        {"name": "\ud800"},
        {"jwt_secret": "\ud800"},
        {"jwt_jwks": {"keys": [{"kty": "\ud800"}]}},
        {"max_events_per_second": "9" * 5000},
        {"max_events_per_second": 2**31},
        {"max_events_per_second": "١"},
        {"jwt_secret": ""},
    ]

    async def asked(method: str, path: str, body: Any = None, **more: str) -> tuple[int, str]:
        async with broadcasts.http.request(method, tenant + path, json=body, headers={**headers, **more}) as answer:
            return answer.status, await answer.text()

    paths = [quote(text, safe="") for text in (*HOSTILE[:-1], "..", "../..", "\r\nX-Evil: 1")]
    seen = [await asked("GET", f"/{path}") for path in paths]
    changed = [(await asked("PATCH", "/x", {"tenant": each}))[0] for each in columns]
    strangers = [await asked("GET", "/x", Authorization=f"Bearer {bad}") for bad in ("a.b.c", f"{signed()[:-2]}AA")]

    assert all(status in (200, 404, 405) and DEVELOPMENT_SECRET not in text for status, text in seen)
    assert changed == [400, 400, 400, 422, 422, 422, 422]
    assert strangers == [(403, "")] * 2
    assert await broadcasts.refusal("mine") is None


@pytest.mark.parametrize(
    "request_",
    [
        b"OPTIONS /api/broadcast HTTP/1.1\r\nHost: x\r\nAccess-Control-Request-Headers: \xff\xfe\r\n",
        b"GET /socket/websocket?vsn=2.0.0&apikey=%ff%fe.%ed%a0%80.b HTTP/1.1\r\nHost: x\r\n",
        b"GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nx-api-key: \xff.e30.\xff\r\n",
        b"GET /socket/websocket?vsn=%ff&apikey=%00 HTTP/1.1\r\nHost: \xff\r\n",
        b"GET /<script>alert(1)</script> HTTP/1.1\r\nHost: x\r\n",
        b"POST /api/broadcast/%ff/events/%ed%a0%80 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff.\xff.\xff\r\n",
    ],
)
async def test_bytes_that_are_no_text_break_nothing(broadcasts: broadcast_stack.Stack, request_: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", broadcasts.port)
    writer.write(request_ + b"Connection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()

    status = int(answer.split(b" ")[1])
    assert 200 <= status < 500
    assert [each for each in (b"Traceback", b"<script>") if each in answer] == []


async def test_a_link_names_itself_in_the_history_but_spoils_no_log(stack: Stack) -> None:
    names = ["reader-1", "a\nb", "\x1b[31mred", "x" * 201, "", "\u2028", "<script>"]

    for name in names:
        async with stack.client(more=f"&link={quote(name, safe='')}") as client:
            await client.join("x", {**NAMES_ONE_TABLE, "table": "t_events"})
            await stack.sql.execute("insert into t_events values ((select count(*) from t_events))")
            await client.data()

    links = [op.value["link"] for op in stack.recorder.ops() if op.f == "send"]
    assert links == ["reader-1", "socket-2", "socket-3", "socket-4", "socket-5", "socket-6", "<script>"]


@pytest.mark.parametrize(
    "name", ['a"; drop schema public cascade; --', "a b", "public.x", "é", "a\n", "", "1a", "a" * 64]
)
def test_a_hostile_schema_name_never_becomes_sql(name: str) -> None:
    with pytest.raises(UsageError):
        schema_sql(name)
    with pytest.raises(UsageError):
        queries(name)


async def test_the_application_takes_ids_parameters_and_bodies_as_data() -> None:
    application = Application(
        app=Reference(),
        store=MemoryStore(),
        secret=DEVELOPMENT_SECRET,
        clock=CLOCK,
        rng=Random(1),
        recorder=Recorder(CLOCK.now),
    )
    token = signed(role="authenticated", sub=ALICE)
    async with TestClient(TestServer(application.web_application())) as client:

        async def asked(method: str, path: str, data: bytes | None = None, bearer: str = token) -> int:
            headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
            async with client.request(method, GENERATION + path, data=data, headers=headers) as answer:
                text = await answer.text()
                assert [each for each in ("Traceback", DEVELOPMENT_SECRET, token) if each in text] == []
                return answer.status

        ids = {await asked("GET", f"/{quote(text, safe='')}") for text in HOSTILE if text}
        bodies = [
            await asked("POST", "", body)
            for body in (b"\xff", b"[" * 100_000, b'{"initial_request": {"a": "\\ud800"}}', b'{"a": NaN}', b'{"x": 1}')
        ]
        bearers = {await asked("GET", "/x", bearer=bad) for bad in ("a.b.c", "", "é.é.é", token[:-2] + "AA")}

    assert ids == {404}
    assert bodies == [400] * 5
    assert bearers == {401}


def test_a_stack_shows_no_secret_and_opens_no_door() -> None:
    """Looked through are run folders, stdout of runs, stderr and command lines; doors are addresses and modes."""
    secret = "a-secret-of-the-test-with-enough-bytes-0123456789"
    with Command.in_a_new_folder() as command:
        up = command.start("up", "--json", "--cadence", "instant", environment={"JWT_SECRET": secret})
        assert up.stdout is not None
        variables: dict[str, str] = json.loads(up.stdout.readline())
        environment = command.folder / "env"
        environment.write_text(json.dumps(variables))
        lines = "\n".join(command.processes())
        ports = {_port(variables["API_URL"]), _port(variables["DB_URL"].rpartition("/")[0])}
        addresses = {address for address, port in _listening() if port in ports}
        folders = [each for each in (command.folder / "tmp").iterdir() if each.is_dir()]
        modes = {stat.S_IMODE(each.stat().st_mode) for folder in folders for each in (folder, folder / "socket")}
        given = command.run("run", "full_flow", "--env-file", str(environment), "--pace", "50")
        own = command.run("run", "two_users", *QUICK, environment={"JWT_SECRET": secret})
        up.terminate()
        said = up.communicate(timeout=20)[1]
        written = "\n".join(each.read_text() for each in command.runs.resolve().rglob("*.*") if each.is_file())

    password = variables["DB_URL"].split(":")[2].partition("@")[0]
    secrets = [secret, variables["ANON_KEY"], variables["SERVICE_ROLE_KEY"], password, "eyJ"]
    assert (given.returncode, own.returncode) == (0, 0)
    assert len(written) > 100_000
    for shown in (lines, said, given.stdout, given.stderr, own.stdout, own.stderr, written):
        assert [each for each in secrets if each in shown] == []
    assert modes == {0o700}
    assert addresses == {"0100007F"}


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _listening() -> list[tuple[str, int]]:
    """The addresses of all TCP sockets that listen here, IPv4 in hexadecimal as the kernel prints it."""
    rows = []
    for file in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(file) as lines:
            rows += [line.split() for line in lines][1:]
    found = [row[1].split(":") for row in rows if row[3] == "0A"]
    return [(address, int(port, 16)) for address, port in found]
