"""The embedded server over a real PostgreSQL, spoken to by `websockets`; texts and orders as recorded.

Tables are like those of the recordings (p02, p02b, p12).
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from harness.backends.cluster import Cluster, start_cluster
from harness.realtime.quirks import Quirks
from harness.tokens import DEVELOPMENT_SECRET, mint, user_id
from tests.integration.realtime_stack import ALICE, BOB, CLOCK, Client, Stack, a_stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster() -> AsyncIterator[Cluster]:
    async with await start_cluster() as running:
        yield running


@pytest.fixture
async def stack(cluster: Cluster) -> AsyncIterator[Stack]:
    async with a_stack(cluster) as running:
        yield running


async def test_a_join_is_answered_and_then_subscribed(stack: Stack) -> None:
    element = {"event": "*", "schema": "public", "table": "t_events"}

    async with stack.client() as client:
        await client.send("7", "8", "realtime:x", "phx_join", {"config": {"postgres_changes": [element]}})
        reply, system = await client.next(), await client.next()

    assert reply == ["7", "8", "realtime:x", "phx_reply", {"status": "ok", "response": reply[4]["response"]}]
    assert reply[4]["response"] == {
        "postgres_changes": [{**element, "id": reply[4]["response"]["postgres_changes"][0]["id"]}]
    }
    assert system == [
        "7",
        None,
        "realtime:x",
        "system",
        {
            "message": "Subscribed to PostgreSQL",
            "status": "ok",
            "extension": "postgres_changes",
            "channel": "x",
        },
    ]


async def test_the_state_of_presence_comes_after_the_subscription_on_a_warm_worker_only(stack: Stack) -> None:
    config = {
        "presence": {"enabled": True, "key": ""},
        "postgres_changes": [{"event": "*", "schema": "public", "table": "t_events"}],
    }

    async with stack.client() as client:
        await client.send("1", "1", "realtime:cold", "phx_join", {"config": config})
        cold = [(await client.next())[3] for _ in range(3)]
        await client.send("2", "2", "realtime:warm", "phx_join", {"config": config})
        warm = [(await client.next())[3] for _ in range(3)]
        await client.send("3", "3", "realtime:none", "phx_join", {"config": {"presence": {"enabled": True}}})
        none = [await client.next() for _ in range(2)]

    assert cold == ["phx_reply", "presence_state", "system"]
    assert warm == ["phx_reply", "system", "presence_state"]
    assert none[1] == ["3", None, "realtime:none", "presence_state", {}]


async def test_each_action_reaches_the_bindings_that_asked_for_it(stack: Stack) -> None:
    process = str(user_id("process"))
    elements = [
        {"event": event, "schema": "public", "table": "t_events", "filter": f"process_id=eq.{process.upper()}"}
        for event in ("INSERT", "UPDATE", "DELETE", "*")
    ]
    elements.append({"event": "DELETE", "schema": "public", "table": "t_events"})

    async with stack.client() as client:
        ids = [each["id"] for each in await client.join("x", *elements)]
        await stack.sql.execute("insert into t_events values (1, $1, 'a', '{\"n\": 1.50}')", process)
        await stack.sql.execute("insert into t_events values (2, $1, 'other')", str(user_id("another")))
        await stack.sql.execute("update t_events set kind = 'b' where id = 1")
        await stack.sql.execute("delete from t_events where id = 1")
        inserted, updated, deleted = [await client.next() for _ in range(3)]

    assert inserted[:4] == [None, None, "realtime:x", "postgres_changes"]
    assert inserted[4]["ids"] == [ids[3], ids[0]]
    assert inserted[4]["data"] == {
        "table": "t_events",
        "type": "INSERT",
        "record": {"id": 1, "process_id": process, "kind": "a", "body": {"n": 1.5}},
        "columns": [
            {"name": "id", "type": "int4"},
            {"name": "process_id", "type": "uuid"},
            {"name": "kind", "type": "text"},
            {"name": "body", "type": "jsonb"},
        ],
        "errors": None,
        "schema": "public",
        "commit_timestamp": inserted[4]["data"]["commit_timestamp"],
    }
    assert updated[4]["ids"] == [ids[3], ids[1]]
    assert (updated[4]["data"]["record"]["kind"], updated[4]["data"]["old_record"]) == ("b", {"id": 1})
    assert deleted[4]["ids"] == [ids[4]], "the filter's column is no part of the old row"
    assert deleted[4]["data"]["old_record"] == {"id": 1}
    assert "record" not in deleted[4]["data"]


RECORDED_TYPES = [
    (
        """insert into t_types(i2,i8,num,num2,f4,f8,b,t,ch,nm,by,d,ts,tstz,tm,tmtz,iv,u,j,jb,ia,ta,na,ba,tsa,ia2,e,ea,
             ip,mac,money,bits,vb,pt,r,tsv,ct,dom,hs) values
           (-32768,9223372036854775807,12345678901234567890.123456789000,1.5,1.1,0.1,true,
            E'q"uote \\' back\\\\slash \\n é 日本語 😀 \\u0001','ch','nm','\\x00ff10','2024-02-29',
            '2024-02-29 12:34:56.789012','2024-02-29 12:34:56.789012+09','12:34:56.5','12:34:56+09',
            '1 year 2 mons 3 days 04:05:06.7','a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
            '{"b":1,"a":2,"b":3,"n":1.0,"e":1e2}','{"n":1.0,"big":123456789012345678901234567890}','{1,NULL,3}',
            '{"a b",NULL,"c,\\"d",""}','{1.10,2}','{t,f,NULL}','{"2024-02-29 12:34:56+00"}','{{1,2},{3,4}}',
            'happy day','{sad,ok}','10.0.0.1/24','08:00:2b:01:02:03','12.34',B'1010',B'10101','(1.5,2)','[1,5)',
            'a fat cat',row(1,'x y'),7,42)""",
        '{"b": true, "d": "2024-02-29", "e": "happy day", "j": {"a": 2, "b": 3, "e": 100, "n": 1.0}, "r": "[1,5)", '
        '"t": "q\\"uote \' back\\\\slash \\n é 日本語 😀 \\u0001", "u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", '
        '"ba": [true, false, null], "by": "00ff10", "ch": "c", "ct": {"a": 1, "b": "x y"}, "ea": ["sad", "ok"], '
        '"f4": 1.1, "f8": 0.1, "hs": "42", "i2": -32768, "i8": 9223372036854775807, "ia": [1, null, 3], "id": 1, '
        '"ip": "10.0.0.1/24", "iv": "1 year 2 mons 3 days 04:05:06.7", '
        '"jb": {"n": 1.0, "big": 123456789012345678901234567890}, "na": [1.10, 2], "nm": "nm", "pt": "(1.5,2)", '
        '"ta": ["a b", null, "c,\\"d", ""], "tm": "12:34:56.5", "ts": "2024-02-29T12:34:56.789012", "vb": "10101", '
        '"dom": 7, "ia2": [[1, 2], [3, 4]], "mac": "08:00:2b:01:02:03", "num": 12345678901234567890.123456789000, '
        '"tsa": ["2024-02-29T12:34:56+00:00"], "tsv": "\'a\' \'cat\' \'fat\'", "bits": "1", "num2": 1.50, '
        '"tmtz": "12:34:56+09", "tstz": "2024-02-29T03:34:56.789012+00:00", "money": "$12.34"}',
    ),
    (
        """insert into t_types(num,f4,f8,tstz,d,ts,t,ta,jb,num2,iv,na)
           values('NaN','Infinity','-Infinity','infinity','-infinity','0044-03-15 BC','','{}','"str"',-0.00,
                  '-1 day +02:00','{NaN}')""",
        '"d": "-infinity", "e": null, "j": null, "r": null, "t": "", "u": null, "ba": null, "by": null, "ch": null, '
        '"ct": null, "ea": null, "f4": null, "f8": null, "hs": null, "i2": null, "i8": null, "ia": null, "id": 1, '
        '"ip": null, "iv": "-1 days +02:00:00", "jb": "str", "na": ["NaN"], "nm": null, "pt": null, "ta": [], '
        '"tm": null, "ts": "0044-03-15T00:00:00 BC", "vb": null, "dom": null, "ia2": null, "mac": null, "num": null, '
        '"tsa": null, "tsv": null, "bits": null, "num2": 0.00, "tmtz": null, "tstz": "infinity", "money": null}',
    ),
    (
        "insert into t_types(f8,f4,num,tm,tstz) values(1e-7,1e10,0.000,'24:00','2024-01-01 00:00:00.100+00')",
        '"f4": 10000000000, "f8": 0.0000001, "hs": null, "i2": null, "i8": null, "ia": null, "id": 1, "ip": null, '
        '"iv": null, "jb": null, "na": null, "nm": null, "pt": null, "ta": null, "tm": "24:00:00", "ts": null, '
        '"vb": null, "dom": null, "ia2": null, "mac": null, "num": 0.000, "tsa": null, "tsv": null, "bits": null, '
        '"num2": null, "tmtz": null, "tstz": "2024-01-01T00:00:00.1+00:00", "money": null}',
    ),
]


@pytest.mark.parametrize(("statement", "recorded"), RECORDED_TYPES)
async def test_every_type_is_printed_byte_for_byte_as_recorded(stack: Stack, statement: str, recorded: str) -> None:
    async with stack.client() as client:
        await client.join("types", {"event": "*", "schema": "public", "table": "t_types"})
        await stack.sql.execute(statement)
        text = await client.socket.recv()

    assert recorded in str(text)


async def test_without_the_quirks_types_are_printed_whole(cluster: Cluster) -> None:
    quirks = Quirks(char_cut_to_one=False, bytea_hex_without_prefix=False, non_finite_numbers_null=False)

    async with a_stack(cluster, quirks=quirks) as stack, stack.client() as client:
        await client.join("types", {"event": "*", "schema": "public", "table": "t_types"})
        await stack.sql.execute(
            "insert into t_types(ch, bits, by, num, f8) values('ch', B'1010', '\\x00ff', 'NaN', 'Infinity')"
        )
        record = (await client.data())["record"]

    assert {name: record[name] for name in ("ch", "bits", "by", "num", "f8")} == {
        "ch": "ch   ",
        "bits": "1010",
        "by": "\\x00ff",
        "num": "NaN",
        "f8": "Infinity",
    }


@pytest.mark.parametrize(
    ("filter_", "met"),
    [
        ("num=eq.1.50", True),
        ("num=eq.2", False),
        ("f8=eq.0.1", True),
        ("tstz=eq.2024-02-29 12:34:56+09", True),
        ("ch=eq.anything with c would do, but no", False),
        ("ch=eq.c", True),
        ('jb=eq."{\\"a\\": 1}"', True),
        ("b=eq.true", True),
        ("e=eq.happy day", True),
        ("i8=eq.007", True),
        ("nm=eq.x,b=eq.true", True),
        ("nm=eq.x,b=eq.false", False),
        ("t=eq.null", False),
        ("nm=not.eq.y", True),
        ("t=not.eq.y", False),
    ],
)
async def test_eq_compares_as_the_columns_type(stack: Stack, filter_: str, met: bool) -> None:
    element = {"event": "INSERT", "schema": "public", "table": "t_types", "filter": filter_}

    async with stack.client() as client:
        if filter_.endswith("but no"):
            await _expect_refusal(client, element)
            return
        await client.join("f", element)
        await client.send("2", "2", "realtime:all", "phx_join", _config({"schema": "public", "table": "t_types"}))
        await client.next()
        await client.next()
        await stack.sql.execute(
            "insert into t_types(num, f8, tstz, ch, jb, b, e, i8, nm) values"
            " (1.5, 0.1, '2024-02-29 03:34:56+00', 'cat', '{\"a\":1}', true, 'happy day', 7, 'x')"
        )
        topics = [(await client.next())[2]]
        if topics == ["realtime:f"]:
            topics.append((await client.next())[2])
        await client.silence()

    assert ("realtime:f" in topics) is met


async def _expect_refusal(client: Client, element: Any) -> None:
    await client.send("1", "1", "realtime:f", "phx_join", _config(element))
    await client.next()
    assert (await client.next())[4]["status"] == "error"


def _config(*elements: Any) -> dict[str, Any]:
    return {"config": {"postgres_changes": list(elements)}}


ASKED = "check your connect parameters: [event: *, schema: public, table: "
CANNOT = "Unable to subscribe to changes with given parameters. "


@pytest.mark.parametrize(
    ("element", "role", "message"),
    [
        (
            {"schema": "public", "table": "t_events", "filter": "nope=eq.1"},
            "anon",
            CANNOT
            + "An exception happened so please "
            + ASKED
            + 't_events, filters: [{"nope", "eq", "1", false}], select: nil]. '
            "Exception: ERROR P0001 (raise_exception) invalid column for filter nope",
        ),
        (
            {"schema": "public", "table": "t_events", "filter": "process_id=eq.123"},
            "anon",
            CANNOT
            + "An exception happened so please "
            + ASKED
            + 't_events, filters: [{"process_id", "eq", "123", false}], select: nil]. '
            'Exception: ERROR 22P02 (invalid_text_representation) invalid input syntax for type uuid: "123"',
        ),
        (
            {"schema": "public", "table": "t_types", "filter": "tstz=eq.null"},
            "anon",
            CANNOT
            + "An exception happened so please "
            + ASKED
            + 't_types, filters: [{"tstz", "eq", "null", false}], select: nil]. '
            "Exception: ERROR 22007 (invalid_datetime_format) "
            'invalid input syntax for type timestamp with time zone: "null"',
        ),
        (
            {"schema": "public", "table": "t_cols", "filter": "b=eq.x"},
            "anon",
            CANNOT
            + "An exception happened so please "
            + ASKED
            + 't_cols, filters: [{"b", "eq", "x", false}], select: nil]. '
            "Exception: ERROR P0001 (raise_exception) invalid column for filter b",
        ),
        (
            {"schema": "public", "table": "t_cols", "select": ["b"]},
            "anon",
            CANNOT + "An exception happened so please " + ASKED + 't_cols, filters: [], select: ["b"]]. '
            "Exception: ERROR P0001 (raise_exception) invalid column for select b",
        ),
        (
            {"schema": "public", "table": "t_events"},
            "nosuchrole",
            CANNOT + "An exception happened so please " + ASKED + "t_events, filters: [], select: nil]. "
            'Exception: ERROR 42704 (undefined_object) role "nosuchrole" does not exist',
        ),
        (
            {"schema": "public", "table": "no_such_table"},
            "anon",
            CANNOT + "Please check Realtime is enabled for the given connect parameters: "
            "[event: *, schema: public, table: no_such_table, filters: [], select: nil]",
        ),
        (
            {"schema": "public", "table": "t_types", "filter": "b=is.maybe"},
            "anon",
            CANNOT
            + "An exception happened so please "
            + ASKED
            + 't_types, filters: [{"b", "is", "maybe", false}], select: nil]. '
            "Exception: ERROR P0001 (raise_exception) "
            "invalid value for is filter: must be null, true, false, or unknown",
        ),
        (
            {"schema": "public", "table": "t_events", "filter": "kind=is.true"},
            "anon",
            CANNOT
            + "An exception happened so please "
            + ASKED
            + 't_events, filters: [{"kind", "is", "true", false}], select: nil]. '
            "Exception: ERROR P0001 (raise_exception) is true filter requires a boolean column, got text",
        ),
        (
            {"schema": "public", "table": "t_events", "filter": "id=not.like.5%"},
            "anon",
            CANNOT
            + "An exception happened so please "
            + ASKED
            + 't_events, filters: [{"id", "like", "5%", true}], select: nil]. '
            "Exception: ERROR P0001 (raise_exception) "
            "operator like requires a text-compatible column type, got integer",
        ),
        (
            {"schema": "public", "table": "t_events", "filter": "kind=match.("},
            "anon",
            CANNOT
            + "An exception happened so please "
            + ASKED
            + 't_events, filters: [{"kind", "match", "(", false}], select: nil]. '
            "Exception: ERROR P0001 (raise_exception) "
            "invalid regular expression for match filter: invalid regular expression: parentheses () not balanced",
        ),
        (
            {"schema": "public", "table": "t_events", "filter": "id=in.(1,x)"},
            "anon",
            CANNOT
            + "An exception happened so please "
            + ASKED
            + 't_events, filters: [{"id", "in", "{1,x}", false}], select: nil]. '
            'Exception: ERROR 22P02 (invalid_text_representation) invalid input syntax for type integer: "x"',
        ),
    ],
)
async def test_what_cannot_be_subscribed_is_refused_with_the_real_words(
    stack: Stack, element: Any, role: str, message: str
) -> None:
    async with stack.client(role=role) as client:
        await client.send("1", "1", "realtime:bad", "phx_join", _config(element))
        reply, system = await client.next(), await client.next()

    assert reply[4]["status"] == "ok"
    assert system[4] == {
        "message": message,
        "status": "error",
        "extension": "postgres_changes",
        "channel": "bad",
    }


async def test_one_bad_element_spoils_the_channel_but_not_its_neighbour(stack: Stack) -> None:
    good = {"event": "INSERT", "schema": "public", "table": "t_events"}

    async with stack.client() as client:
        await client.join("good", good)
        await client.send("2", "2", "realtime:mixed", "phx_join", _config(good, {**good, "filter": "nope=eq.1"}))
        await client.next()
        refused = await client.next()
        await stack.sql.execute("insert into t_events values (1, $1, 'a')", ALICE)
        change = await client.next()
        await client.silence()

    assert refused[4]["status"] == "error"
    assert change[2] == "realtime:good"


@pytest.mark.parametrize(("quirks", "heard"), [(Quirks(), True), (Quirks(names_are_like_patterns=False), False)])
async def test_names_are_like_patterns_unless_the_quirk_is_off(cluster: Cluster, quirks: Quirks, heard: bool) -> None:
    element = {"event": "*", "schema": "public", "table": "t_event_"}

    async with a_stack(cluster, quirks=quirks) as stack, stack.client() as client:
        await client.send("1", "1", "realtime:x", "phx_join", _config(element))
        await client.next()
        outcome = (await client.next())[4]["status"]
        await client.join("star", {"event": "*", "schema": "public", "table": "*"})

    assert outcome == ("ok" if heard else "error")


async def test_row_security_shows_each_user_their_own_rows(stack: Stack) -> None:
    element = {"event": "*", "schema": "public", "table": "t_owned"}
    async with (
        stack.client(role="authenticated", sub=ALICE, more="&link=alice") as alice,
        stack.client(role="authenticated", sub=BOB, more="&link=bob") as bob,
        stack.client(more="&link=anon") as anon,
        stack.client(role="authenticated", more="&link=nobody") as nobody,
        stack.client(role="service_role", more="&link=service") as service,
    ):
        everybody = (alice, bob, anon, nobody, service)
        for client in everybody:
            await client.join("owned", element)

        await stack.sql.execute("insert into t_owned values (1, $1, false, 'a')", ALICE)
        seen_private = [(await client.data())["record"] for client in (alice, service)]
        await stack.sql.execute("insert into t_owned values (2, $1, true, 'b')", BOB)
        seen_public = [(await client.data())["record"]["id"] for client in (bob, anon, service)]
        await stack.sql.execute("update t_owned set owner = $1 where id = 1", BOB)
        seen_given_away = [(await client.data())["record"]["id"] for client in (bob, service)]
        for client in everybody:
            await client.silence()
        await stack.sql.execute("delete from t_owned where id = 1")
        deleted = [(await client.data())["old_record"] for client in everybody]

    assert seen_private == [{"id": 1, "owner": ALICE, "public": False, "v": "a"}] * 2
    assert (seen_public, seen_given_away) == ([2, 2, 2], [1, 1])
    assert deleted == [{"id": 1}] * 5
    authorised = [op.value for op in stack.recorder.ops() if op.f == "authorise"]
    assert [(each["to"], each["withheld"]) for each in authorised] == [
        (["alice", "service"], ["anon", "bob", "nobody"]),
        (["anon", "bob", "service"], ["alice", "nobody"]),
        (["bob", "service"], ["alice", "anon", "nobody"]),
        (["alice", "anon", "bob", "nobody", "service"], []),
    ]


async def test_row_security_that_is_switched_on_later_is_kept(stack: Stack) -> None:
    async with stack.client() as client:
        await client.join("x", {"event": "*", "schema": "public", "table": "t_events"})
        await stack.sql.execute("insert into t_events values (1, $1, 'before')", ALICE)
        before = await client.data()
        await stack.sql.execute("alter table t_events enable row level security")
        await stack.sql.execute("insert into t_events values (2, $1, 'after')", ALICE)
        await stack.sql.execute("delete from t_events where id = 2")
        after = await client.data()

    assert before["record"]["id"] == 1
    assert (after["type"], after["old_record"]) == ("DELETE", {"id": 2})


@pytest.mark.parametrize(
    ("quirks", "seen"), [(Quirks(), ["DELETE"]), (Quirks(rls_sees_current_row=False), ["INSERT", "DELETE"])]
)
async def test_a_row_that_is_gone_is_judged_as_it_is_now_unless_the_quirk_is_off(
    cluster: Cluster, quirks: Quirks, seen: list[str]
) -> None:
    async with (
        a_stack(cluster, quirks=quirks) as stack,
        stack.client(role="authenticated", sub=ALICE) as alice,
        stack.client(role="authenticated", sub=BOB) as bob,
    ):
        for client in (alice, bob):
            await client.join("x", {"event": "*", "schema": "public", "table": "t_child"})
        await stack.sql.execute("insert into t_owned values (1, $1, false, 'a')", ALICE)
        await stack.sql.execute("begin; insert into t_child values (1, 1, 'x'); delete from t_child; commit")
        got = [(await alice.data())["type"] for _ in seen]
        await alice.silence()
        bobs = [(await bob.data())["type"]]
        await bob.silence()

    assert got == seen
    assert bobs == ["DELETE"]


async def test_without_the_quirk_a_delete_under_row_security_is_for_those_whom_it_does_not_bind(
    cluster: Cluster,
) -> None:
    async with (
        a_stack(cluster, quirks=Quirks(delete_ignores_rls=False)) as stack,
        stack.client() as anon,
        stack.client(role="service_role") as service,
    ):
        for client in (anon, service):
            await client.join("x", {"event": "*", "schema": "public", "table": "t_owned"})
        await stack.sql.execute("insert into t_owned values (1, $1, false, 'a')", ALICE)
        inserted = await service.data()
        await stack.sql.execute("delete from t_owned")
        deleted = await service.data()
        await anon.silence()

    assert (inserted["type"], deleted["type"]) == ("INSERT", "DELETE")


async def test_columns_without_grant_are_neither_announced_nor_sent(stack: Stack) -> None:
    async with stack.client() as anon, stack.client(role="authenticated", sub=ALICE) as user:
        for client in (anon, user):
            await client.join("x", {"event": "*", "schema": "public", "table": "t_cols"})
        await stack.sql.execute("insert into t_cols values (1, 'a', 'b')")
        of_anon, of_user = await anon.data(), await user.data()

    assert of_anon["record"] == {"id": 1, "a": "a"}
    assert [each["name"] for each in of_anon["columns"]] == ["id", "a"]
    assert of_user["record"] == {"id": 1, "a": "a", "b": "b"}


async def test_selected_columns_come_in_a_frame_of_their_own(stack: Stack) -> None:
    everything = {"event": "*", "schema": "public", "table": "t_cols"}

    async with stack.client(role="authenticated") as client:
        ids = [each["id"] for each in await client.join("x", everything, {**everything, "select": ["b"]})]
        await stack.sql.execute("insert into t_cols values (1, 'a', 'b')")
        frames = sorted([(await client.next())[4] for _ in range(2)], key=lambda each: ids.index(each["ids"][0]))

    assert [(each["ids"], each["data"]["record"]) for each in frames] == [
        ([ids[0]], {"id": 1, "a": "a", "b": "b"}),
        ([ids[1]], {"id": 1, "b": "b"}),
    ]


async def test_a_key_that_cannot_be_read_is_error_401_and_no_key_at_all_error_400(stack: Stack) -> None:
    async with stack.client() as anon, stack.client(role="service_role") as service:
        for client in (anon, service):
            await client.join("x", {"event": "*", "schema": "public", "table": "*"})
        await stack.sql.execute("insert into t_hidden_pk values (1, 'a')")
        hidden, shown = await anon.data(), await service.data()
        await stack.sql.execute("insert into t_nopk values (1, 'a')")
        no_key = await service.data()
        await stack.sql.execute("delete from t_hidden_pk")
        await anon.data()
        deleted = await anon.data()

    assert hidden == {
        "table": "t_hidden_pk",
        "type": "INSERT",
        "record": {},
        "columns": [],
        "errors": ["Error 401: Unauthorized"],
        "schema": "public",
        "commit_timestamp": None,
    }
    assert shown["record"] == {"id": 1, "v": "a"}
    assert (no_key["errors"], no_key["record"]) == (["Error 400: Bad Request, no primary key"], {})
    assert (deleted["old_record"], deleted["columns"]) == ({}, [{"name": "v", "type": "text"}])


async def test_a_policy_that_raises_costs_its_batch_and_the_stream_lives_on(stack: Stack) -> None:
    async with stack.client() as client:
        await client.join("x", {"event": "*", "schema": "public", "table": "*"})
        await stack.sql.execute("create policy bad on t_owned for select to anon using (1 / (id - id) = 1)")
        await stack.sql.execute("insert into t_owned values (1, $1, false, 'lost')", ALICE)
        await asyncio.wait_for(stack.failed.wait(), 10)
        await asyncio.wait_for(stack.warm_again(), 10)
        await stack.sql.execute("insert into t_events values (1, $1, 'a')", ALICE)
        change = await client.data()

    assert change["table"] == "t_events"
    assert [op.error for op in stack.recorder.ops() if op.f == "poll"] == [
        "a batch of 1 changes is lost: division by zero"
    ]


async def test_the_history_follows_a_row_to_the_socket(stack: Stack) -> None:
    async with stack.client(more="&link=reader-1") as client:
        (bound,) = await client.join("x", {"event": "*", "schema": "public", "table": "t_events"})
        await stack.sql.execute("insert into t_events values (1, $1, 'a')", ALICE)
        size = len(await client.socket.recv(decode=False)) + 4

    row = {"table": "t_events", "action": "INSERT", "event_id": "1"}
    told = [(op.actor, op.f, dict(op.value)) for op in stack.recorder.ops() if op.f != "join"]
    assert told == [
        ("realtime", "decode", {**row, "lsn": told[0][2]["lsn"]}),
        ("realtime", "authorise", {**row, "to": ["reader-1"], "withheld": []}),
        ("realtime", "dispatch", {**row, "link": "reader-1", "topic": "realtime:x", "ids": [bound["id"]]}),
        ("realtime", "send", {**row, "link": "reader-1", "topic": "realtime:x", "bytes": size}),
    ]


def joins(stack: Stack, begun: float) -> list[Any]:
    """The joins as the history has them, with `now` in place of a time since `begun`."""
    told = [op for op in stack.recorder.ops() if op.f == "join"]
    assert all(begun <= op.value.wall <= CLOCK.wall().timestamp() for op in told)
    return [(op.actor, op.type, {**op.value, "wall": "now"}, op.error) for op in told]


async def test_the_history_has_each_join_with_its_token_and_what_became_of_it(cluster: Cluster) -> None:
    begun = CLOCK.wall().timestamp()
    mine = mint(DEVELOPMENT_SECRET, role="authenticated", wall=CLOCK.wall(), sub=ALICE, ttl=60.0)
    late = mint(DEVELOPMENT_SECRET, role="authenticated", wall=CLOCK.wall() - timedelta(seconds=90), ttl=60.0)

    async with (
        a_stack(cluster, quirks=Quirks(slow_join_refusal=False)) as stack,
        stack.client(more="&link=reader-1") as client,
    ):
        await client.join("x", {"event": "*", "schema": "public", "table": "t_events"}, access_token=mine)
        for ref, payload in (("2", {"config": {}, "access_token": late}), ("3", {"config": {"broadcast": 5}})):
            await client.send(ref, ref, "realtime:y", "phx_join", payload)
            assert (await client.next())[4]["status"] == "error"

    told = joins(stack, begun)
    place = {"link": "reader-1", "wall": "now"}
    unread = {"role": None, "expires": None}
    assert told == [
        (
            "realtime",
            "ok",
            {**place, "topic": "realtime:x", "role": "authenticated", "expires": told[0][2]["expires"]},
            None,
        ),
        ("realtime", "fail", {**place, "topic": "realtime:y", **unread}, told[1][3]),
        ("realtime", "fail", {**place, "topic": "realtime:y", **unread}, told[2][3]),
    ]
    assert 58 <= told[0][2]["expires"] - begun <= 61
    assert told[1][3].startswith("InvalidJWTToken: Token has expired 3")
    assert told[2][3].startswith("UnknownErrorOnChannel")


async def test_a_join_that_a_feature_refuses_is_told_with_the_token_that_it_had(cluster: Cluster) -> None:
    """A private channel without a place where policies are kept (see `authorisation`)."""
    async with (
        a_stack(cluster, quirks=Quirks(slow_join_refusal=False)) as stack,
        stack.client(more="&link=reader-1") as client,
    ):
        await client.send("1", "1", "realtime:x", "phx_join", {"config": {"private": True}})
        refused = await client.next()

    (told,) = [op for op in stack.recorder.ops() if op.f == "join"]
    assert refused[4]["status"] == "error"
    assert (told.type, told.value.role, told.error) == ("fail", "anon", refused[4]["response"]["reason"])


async def test_a_second_join_of_a_topic_replaces_the_first(stack: Stack) -> None:
    element = {"event": "INSERT", "schema": "public", "table": "t_events"}

    async with stack.client() as client:
        await client.join("d", element)
        await client.send("2", "2", "realtime:d", "phx_join", _config(element))
        frames = [await client.next() for _ in range(3)]
        await stack.sql.execute("insert into t_events values (1, $1, 'a')", ALICE)
        await client.data()
        await client.silence()

    assert [frame[:4] for frame in frames] == [
        ["2", "2", "realtime:d", "phx_reply"],
        ["1", "1", "realtime:d", "phx_close"],
        ["2", None, "realtime:d", "system"],
    ]


async def test_after_a_leave_nothing_comes_any_more(stack: Stack) -> None:
    async with stack.client() as client, stack.client() as other:
        for each in (client, other):
            await each.join("d", {"event": "INSERT", "schema": "public", "table": "t_events"})
        await client.send("1", "2", "realtime:d", "phx_leave", {})
        left = [await client.next(), await client.next()]
        await stack.sql.execute("insert into t_events values (1, $1, 'a')", ALICE)
        await other.data()
        await client.silence()

    assert left == [
        ["1", "2", "realtime:d", "phx_reply", {"status": "ok", "response": {}}],
        ["1", "1", "realtime:d", "phx_close", {}],
    ]


@pytest.mark.parametrize("frame", ["hello", "", "[]", '["1","2","t"]', b"\x00\x01", b"\x03\x01"])
async def test_a_malformed_frame_is_dropped_and_the_socket_stays(stack: Stack, frame: str | bytes) -> None:
    async with stack.client() as client:
        await client.socket.send(frame)

        await client.send(None, "h", "phoenix", "heartbeat", {})
        assert (await client.next())[1] == "h"


async def test_a_frame_that_is_too_large_closes_the_socket_with_1009(stack: Stack) -> None:
    async with stack.client() as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.say(json.dumps([None, "1", "phoenix", "heartbeat", "y" * 5_100_000]))

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


async def test_vsn_1_is_spoken_without_join_ref(stack: Stack) -> None:
    async with connect(stack.url(vsn="1.0.0")) as socket:
        payload = _config({"event": "*", "schema": "public", "table": "t_events"})
        await socket.send(
            json.dumps({"topic": "realtime:x", "event": "phx_join", "payload": payload, "ref": "1", "join_ref": "1"})
        )
        reply, system = json.loads(await socket.recv()), json.loads(await socket.recv())
        await stack.sql.execute("insert into t_events values (1, $1, 'a')", ALICE)
        change = json.loads(await socket.recv())

    assert [set(each) for each in (reply, system, change)] == [{"topic", "event", "payload", "ref"}] * 3
    assert change["payload"]["data"]["record"]["id"] == 1


async def test_a_join_without_config_subscribes_to_what_the_topic_names(stack: Stack) -> None:
    async with stack.client() as client:
        await client.send("1", "1", f"realtime:public:t_events:process_id=eq.{ALICE}", "phx_join", {"user_token": 5})
        await client.next()
        await client.next()
        await stack.sql.execute("insert into t_events values (1, $1, 'a')", ALICE)
        change = await client.next()

    assert change[3] == "INSERT"
    assert change[4]["record"]["id"] == 1


@pytest.mark.parametrize("path", ["/socket/websocket", "/realtime/v1/websocket"])
async def test_both_paths_are_served_and_the_header_will_do(stack: Stack, path: str) -> None:
    token = mint(DEVELOPMENT_SECRET, role="anon", wall=CLOCK.wall())

    async with connect(
        f"ws://127.0.0.1:{stack.port}{path}?vsn=2.0.0", additional_headers={"x-api-key": token}
    ) as socket:
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers
        await Client(socket=socket).silence()


@pytest.mark.parametrize(
    ("query", "status", "body"),
    [
        ("vsn=3.0.0", 403, ""),
        ("vsn=abc", 403, ""),
        ("vsn=2.0.0", 401, '{"error":"API key is missing"}'),
        ("apikey=&vsn=2.0.0", 401, '{"error":"The token provided is not a valid JWT"}'),
    ],
)
async def test_a_socket_is_refused_with_the_real_words(cluster: Cluster, query: str, status: int, body: str) -> None:
    async with a_stack(cluster, connect_error_backoff_s=0.2) as stack:
        begun = CLOCK.now()
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://127.0.0.1:{stack.port}/socket/websocket?{query}")
        took = CLOCK.now() - begun

    assert (refused.value.response.status_code, refused.value.response.body) == (status, body.encode())
    assert (took >= 0.2) is (status == 401)


async def test_the_host_names_the_tenant_if_one_is_set(cluster: Cluster) -> None:
    quirks = Quirks(slow_connect_refusal=False)

    async with a_stack(cluster, external_id="realtime-dev", quirks=quirks) as stack:
        begun = CLOCK.now()
        with pytest.raises(InvalidStatus) as refused:
            await connect(stack.url())
        took = CLOCK.now() - begun
        async with connect(stack.url().replace("127.0.0.1", "realtime-dev.localhost"), host="127.0.0.1") as socket:
            await Client(socket=socket).silence()

    assert refused.value.response.body == b'{"error":"Tenant not found"}'
    assert took < 2.0, "the quirk is off, so it is refused at once"


@pytest.mark.parametrize(("quirks", "waits"), [(Quirks(), True), (Quirks(slow_join_refusal=False), False)])
async def test_a_refused_join_freezes_the_socket_unless_the_quirk_is_off(
    cluster: Cluster, quirks: Quirks, waits: bool
) -> None:
    async with a_stack(cluster, quirks=quirks, channel_error_backoff_s=0.3) as stack, stack.client() as client:
        begun = CLOCK.now()
        await client.send("1", "1", "realtime:x", "phx_join", {"config": {}, "access_token": "garbage"})
        await client.send(None, "2", "phoenix", "heartbeat", {})
        refused, heartbeat = await client.next(), await client.next()
        took = CLOCK.now() - begun

    assert refused[4] == {
        "status": "error",
        "response": {"reason": "MalformedJWT: The token provided is not a valid JWT"},
    }
    assert heartbeat[1] == "2"
    assert (took >= 0.3) is waits


async def test_an_idle_socket_is_closed_with_1000_and_a_ping_keeps_it(cluster: Cluster) -> None:
    async with a_stack(cluster, idle_timeout_s=0.5) as stack, stack.client() as silent, stack.client() as pinging:
        for _ in range(4):
            await asyncio.sleep(0.2)
            await (await pinging.socket.ping())
        with pytest.raises(ConnectionClosed) as closed:
            await silent.socket.recv()
        await pinging.silence()

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1000, "")


async def test_a_token_that_ends_closes_its_channel_and_not_the_socket(stack: Stack) -> None:
    short = mint(DEVELOPMENT_SECRET, role="anon", wall=CLOCK.wall(), ttl=1.0)

    async with stack.client() as client:
        await client.join("x", {"event": "*", "schema": "public", "table": "t_events"}, access_token=short)
        system, close = await client.next(), await client.next()
        await client.silence()

    assert system[4] == {
        "message": "Token has expired 0 seconds ago",
        "status": "error",
        "extension": "system",
        "channel": "x",
    }
    assert close == ["1", "1", "realtime:x", "phx_close", {}]


async def test_a_new_token_changes_what_may_be_seen(cluster: Cluster) -> None:
    async with a_stack(cluster, subscribe_retry_s=(0.05, 0.1)) as stack, stack.client() as client:
        await client.join("x", {"event": "INSERT", "schema": "public", "table": "t_owned"})
        token = mint(DEVELOPMENT_SECRET, role="authenticated", wall=CLOCK.wall(), sub=ALICE)
        for ignored in (None, 5, "sb_publishable_x"):
            await client.send("1", "2", "realtime:x", "access_token", {"access_token": ignored})
        await client.silence()

        await client.send("1", "3", "realtime:x", "access_token", {"access_token": token})
        again = await client.next()
        await stack.sql.execute("insert into t_owned values (1, $1, true, 'for anon')", BOB)
        await stack.sql.execute("insert into t_owned values (2, $1, false, 'mine')", ALICE)
        change = await client.data()

    assert again[4]["message"] == "Subscribed to PostgreSQL"
    assert change["record"]["v"] == "mine"


async def test_a_bad_new_token_closes_the_channel(stack: Stack) -> None:
    async with stack.client() as client:
        await client.join("x", {"event": "*", "schema": "public", "table": "t_events"})
        bad = mint("another secret that is long enough for the algorithm", role="anon", wall=CLOCK.wall())
        await client.send("1", "2", "realtime:x", "access_token", {"access_token": bad})
        system, close = await client.next(), await client.next()
        await client.send("1", "3", "realtime:x", "broadcast", {})
        unmatched = await client.next()

    assert (system[4]["message"], system[4]["extension"]) == (":signature_error", "system")
    assert close[3] == "phx_close"
    assert unmatched == [
        None,
        "3",
        "realtime:x",
        "phx_reply",
        {"status": "error", "response": {"reason": "unmatched topic"}},
    ]


async def test_polled_a_cold_worker_takes_its_time_and_then_misses_nothing(cluster: Cluster) -> None:
    async with a_stack(cluster, polled=True, subscribe_retry_s=(0.4, 0.5)) as stack, stack.client() as client:
        begun = CLOCK.now()
        await client.join("x", {"event": "*", "schema": "public", "table": "t_events"})
        cold = CLOCK.now() - begun
        await stack.sql.execute("insert into t_events values (1, $1, 'a')", ALICE)
        change = await client.data()
        begun = CLOCK.now()
        await client.join("y", {"event": "*", "schema": "public", "table": "t_events"})
        warm = CLOCK.now() - begun

    assert cold >= 0.4
    assert warm < 0.4
    assert change["record"]["id"] == 1


async def test_without_the_quirk_a_join_is_answered_when_it_is_subscribed(cluster: Cluster) -> None:
    quirks = Quirks(reply_before_subscription=False)

    async with a_stack(cluster, polled=True, subscribe_retry_s=(0.4, 0.5), quirks=quirks) as stack:
        async with stack.client() as client:
            begun = CLOCK.now()
            await client.send("1", "1", "realtime:x", "phx_join", _config({"schema": "public", "table": "t_events"}))
            await client.next()
            took = CLOCK.now() - begun
            system = await client.next()

    assert took >= 0.4
    assert system[4]["message"] == "Subscribed to PostgreSQL"


async def test_a_reader_that_does_not_read_holds_nobody_up(cluster: Cluster) -> None:
    async with a_stack(cluster, max_backlog_bytes=1_000_000) as stack, stack.client() as reader:
        slow = await connect(stack.url(), max_queue=1, ping_interval=None)
        element = {"event": "INSERT", "schema": "public", "table": "t_events"}
        for client in (reader, Client(socket=slow)):
            await client.join("x", element)
        got = []
        for number in range(200):
            await stack.sql.execute("insert into t_events values ($2, $1, repeat('x', 100000))", ALICE, number)
            got.append((await reader.data())["record"]["id"])
        await reader.silence()
        with pytest.raises(ConnectionClosed):
            await _read_to_the_end(slow)

    assert got == list(range(200))


async def _read_to_the_end(socket: ClientConnection) -> None:
    async with asyncio.timeout(10):
        while True:
            await socket.recv()


async def test_a_server_that_ends_says_so_and_closes_with_1012(cluster: Cluster) -> None:
    async with a_stack(cluster) as stack:
        client = Client(socket=await connect(stack.url()))
        await client.join("x", {"event": "*", "schema": "public", "table": "t_events"})
    goodbye = await client.next()
    with pytest.raises(ConnectionClosed) as closed:
        await client.socket.recv()

    assert goodbye == [
        None,
        None,
        "realtime:x",
        "system",
        {"message": "Server requested disconnect", "status": "ok", "extension": "system"},
    ]
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


async def test_the_paths_for_health_are_served(stack: Stack) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.port)
    writer.write(b"GET /realtime/v1/api/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert b" 200 " in answer.splitlines()[0]
    assert answer.endswith(b'{"message":"Success"}')


async def test_no_token_is_in_the_history(stack: Stack) -> None:
    token = mint(DEVELOPMENT_SECRET, role="anon", wall=CLOCK.wall() - timedelta(hours=2))

    async with stack.client() as client:
        await client.join("x", {"event": "*", "schema": "public", "table": "t_events"})
        await client.send("1", "2", "realtime:x", "access_token", {"access_token": token})
        await client.next()
        await stack.sql.execute("insert into t_events values (1, $1, 'a')", ALICE)

    assert token not in repr(stack.recorder.ops())
