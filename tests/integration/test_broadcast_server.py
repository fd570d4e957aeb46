"""Broadcasts over a real PostgreSQL, real sockets and HTTP; texts, bytes and orders as recorded (p05, p05c)."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from harness.backends.cluster import Cluster, start_cluster
from harness.realtime.messages_postgres import APPLICATION_NAME, SLOT
from harness.realtime.plans import Limits
from harness.tokens import DEVELOPMENT_SECRET, mint
from tests.integration.broadcast_stack import CLOCK, a_stack

MAY_READ = "create policy r on realtime.messages for select to authenticated using (realtime.topic() like 'proc:%')"
MAY_WRITE = (
    "create policy w on realtime.messages for insert to authenticated with check (realtime.topic() like 'proc:%')"
)
DENIED = "You do not have permissions to read from this Channel topic: proc:1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster() -> AsyncIterator[Cluster]:
    async with await start_cluster() as running:
        yield running


pytestmark = pytest.mark.asyncio(loop_scope="module")
OWN = {"broadcast": {"self": True, "ack": True}}
PRIVATE = {"private": True}


def kind_4(topic: str, event: str, metadata: str, payload: bytes, *, is_json: bool = True) -> bytes:
    parts = [each.encode() for each in (topic, event, metadata)]
    return bytes((4, *map(len, parts), is_json)) + b"".join(parts) + payload


async def test_clients_of_both_versions_hear_each_other(cluster: Cluster) -> None:
    async with (
        a_stack(cluster) as stack,
        stack.client("room", config=OWN) as v2,
        stack.client("room", vsn="1.0.0") as v1,
    ):
        ref = await v2.broadcast("x", k="ü")

        message = ("broadcast", {"type": "broadcast", "event": "x", "payload": {"k": "ü"}})
        assert await v1.next() == message
        assert await v2.next() == message
        assert await v2.next() == ("phx_reply", {"status": "ok", "response": {}})
        assert ref == "2"


async def test_a_binary_push_is_passed_on_by_kind(cluster: Cluster) -> None:
    async with (
        a_stack(cluster) as stack,
        stack.client("room1") as sender,
        stack.client("room1") as v2,
        stack.client("room1", vsn="1.0.0") as v1,
    ):
        await sender.socket.send(
            bytes.fromhex("0301020e0500013137377265616c74696d653a726f6f6d3162696e65767b227a223a317d")
        )
        await sender.socket.send(bytes.fromhex("0301020e0500003137377265616c74696d653a726f6f6d3162696e657600ff10"))

        assert await v2.next() == kind_4("realtime:room1", "binev", "", b'{"z":1}')
        assert await v2.next() == kind_4("realtime:room1", "binev", "", b"\x00\xff\x10", is_json=False)
        assert await v1.next() == ("broadcast", {"event": "binev", "payload": {"z": 1}, "type": "broadcast"})
        await v1.silence()
        await sender.silence()


async def test_a_push_that_is_no_map_crashes_its_channel(cluster: Cluster) -> None:
    async with a_stack(cluster) as stack, stack.client("room", config=OWN) as sender, stack.client("room") as other:
        await sender.send("broadcast", "str")
        assert await sender.next() == ("phx_error", {"reason": "channel_crash"})

        await sender.broadcast("x")
        assert await sender.next() == ("phx_reply", {"status": "error", "response": {"reason": "unmatched topic"}})
        await other.silence()


async def test_a_private_channel_needs_a_policy_to_read(cluster: Cluster) -> None:
    async with a_stack(cluster, migration=MAY_READ) as stack, stack.client(config=PRIVATE) as private:
        assert await stack.refusal(role="anon") == f"Unauthorized: {DENIED}"
        assert await stack.refusal("other") == f"Unauthorized: {DENIED.replace('proc:1', 'other')}"
        assert await stack.refusal(role="nobody") == f"Unauthorized: {DENIED}"
        async with stack.client("other", role="service_role", config=PRIVATE) as service, stack.client() as public:
            await service.broadcast("x")
            await public.silence()
        await private.silence()


async def test_a_policy_sees_topic_claims_and_headers(cluster: Cluster) -> None:
    policy = """
    create policy r on realtime.messages for select to authenticated using (
      realtime.topic() = 'proc:1' and topic = 'proc:1' and extension = 'broadcast'
      and current_setting('request.jwt.claim.sub') = '68e50454-8374-4eca-9b95-bda47ae5926d'
      and current_setting('request.jwt.claim.role') = 'authenticated'
      and current_setting('request.jwt.claims')::json ->> 'role' = 'authenticated'
      and current_setting('request.headers')::json is not null
    )"""
    async with a_stack(cluster, migration=policy) as stack, stack.client(config=PRIVATE) as reader:
        await reader.silence()
        assert await stack.refusal("other") == f"Unauthorized: {DENIED.replace('proc:1', 'other')}"


async def test_writing_needs_a_policy_of_its_own_that_is_asked_once(cluster: Cluster) -> None:
    async with (
        a_stack(cluster, migration=MAY_READ) as stack,
        stack.client(config={**PRIVATE, **OWN}) as early,
        stack.client(config=PRIVATE) as reader,
    ):
        await early.broadcast("cl", a=1)
        await early.silence()
        await stack.asked()
        await stack.sql.execute(MAY_WRITE)
        await early.broadcast("cl", a=1)
        await early.silence()
        await reader.silence()

        async with stack.client(config={**PRIVATE, **OWN}) as late:
            await late.broadcast("cl2", a=2)
            message = ("broadcast", {"type": "broadcast", "event": "cl2", "payload": {"a": 2}})
            assert [await late.next(), await early.next(), await reader.next()] == [message] * 3
            assert await late.next() == ("phx_reply", {"status": "ok", "response": {}})


async def test_a_new_token_is_asked_about_anew(cluster: Cluster) -> None:
    async with a_stack(cluster, migration=MAY_READ) as stack, stack.client(config={**PRIVATE, **OWN}) as reader:
        await reader.broadcast("dropped")
        await reader.silence()
        await stack.asked()
        await stack.sql.execute(MAY_WRITE)
        wall = CLOCK.wall() + timedelta(seconds=5)
        await reader.send("access_token", {"access_token": mint(DEVELOPMENT_SECRET, role="authenticated", wall=wall)})
        await reader.broadcast("heard")
        assert (await reader.next())[1]["event"] == "heard"
        await reader.next()

        await stack.sql.execute("drop policy r on realtime.messages")
        await reader.send("access_token", {"access_token": stack.token("authenticated")})
        expected = {"message": DENIED, "status": "error", "extension": "system", "channel": "proc:1"}
        assert await reader.next() == ("system", expected)
        assert await reader.next() == ("phx_close", {})


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (
            "create policy x on realtime.messages for select using (1 / (length(topic) - 6) = 1)",
            f"Unauthorized: {DENIED}",
        ),
        (
            "do $$ declare p regclass; begin "
            "for p in select inhrelid from pg_inherits where inhparent = 'realtime.messages'::regclass loop "
            "execute format('drop table %s', p); end loop; end $$",
            "MissingPartition: Realtime was unable to find the expected messages partition",
        ),
        (
            "create function stop() returns boolean language sql volatile security definer as "
            "$$ select pg_cancel_backend(pg_backend_pid()) and pg_sleep(9)::text is null $$;"
            "create policy x on realtime.messages for select using (stop())",
            "QueryCanceled: canceling statement due to user request",
        ),
    ],
)
async def test_policies_that_cannot_be_asked_refuse_the_join(cluster: Cluster, broken: str, words: str) -> None:
    async with a_stack(cluster) as stack:
        await stack.sql.execute(broken)

        assert await stack.refusal() == words


@pytest.mark.parametrize("polled", [False, True])
async def test_broadcasts_from_the_database_reach_their_room(cluster: Cluster, polled: bool) -> None:
    async with (
        a_stack(cluster, migration=MAY_READ, polled=polled) as stack,
        stack.client(config=PRIVATE) as v2,
        stack.client(vsn="1.0.0", config=PRIVATE) as v1,
        stack.client() as public,
    ):
        await stack.streaming()
        await stack.sql.execute("""select realtime.send('{"hello":"w","id":"mine"}', 'evt', 'proc:1')""")
        frame = await v2.next()
        id_ = frame[5 + len("realtime:proc:1evt") + 7 :][:36].decode()
        assert frame == kind_4(
            "realtime:proc:1", "evt", json.dumps({"id": id_}, separators=(",", ":")), b'{"id": "mine", "hello": "w"}'
        )
        payload = {"id": "mine", "hello": "w"}
        assert await v1.next() == (
            "broadcast",
            {"event": "evt", "meta": {"id": id_}, "payload": payload, "type": "broadcast"},
        )

        await stack.sql.execute("select realtime.send_binary('\\x00ff10', 'bin', 'proc:1', false)")
        assert (await public.next())[-3:] == b"\x00\xff\x10"
        await v1.silence()
        await v2.silence()


async def test_a_row_trigger_broadcasts_its_changes(cluster: Cluster) -> None:
    trigger = """
    create table bc (id int primary key, v text);
    create function tell() returns trigger language plpgsql security definer as $$ begin
      perform realtime.broadcast_changes('proc:1', tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
      return null;
    end $$;
    create trigger tell after insert or update or delete on bc for each row execute function tell();
    """
    async with (
        a_stack(cluster, migration=MAY_READ + ";" + trigger) as stack,
        stack.client(vsn="1.0.0", config=PRIVATE) as reader,
    ):
        await stack.streaming()
        await stack.sql.execute("insert into bc values (1, 'a'); update bc set v = 'b'; delete from bc")

        heard = [(await reader.next())[1] for _ in range(3)]
        assert [each["event"] for each in heard] == ["INSERT", "UPDATE", "DELETE"]
        payload = heard[1]["payload"]
        assert payload == {
            "id": heard[1]["meta"]["id"],
            "table": "bc",
            "schema": "public",
            "operation": "UPDATE",
            "record": {"v": "b", "id": 1},
            "old_record": {"v": "a", "id": 1},
        }


async def test_what_is_rolled_back_or_has_no_payload_is_not_broadcast(cluster: Cluster) -> None:
    async with a_stack(cluster, migration=MAY_READ) as stack, stack.client(vsn="1.0.0", config=PRIVATE) as reader:
        await stack.streaming()
        await stack.sql.execute("begin; select realtime.send('{}', 'gone', 'proc:1'); rollback")
        insert = "insert into realtime.messages (topic, extension, payload, event, private) values"
        await stack.sql.execute(f"{insert} ('proc:1', 'broadcast', null, 'null', true)")
        await stack.sql.execute(f"{insert} ('proc:1', 'broadcast', '[1]', 'list', true)")

        _, payload = await reader.next()
        assert (payload["event"], payload["payload"]) == ("list", [1])


async def test_a_send_that_fails_is_a_warning(cluster: Cluster) -> None:
    async with a_stack(cluster) as stack:
        warnings: list[str] = []
        stack.sql.add_log_listener(lambda _, message: warnings.append(message.message))

        for call in ("send('[1]', 'e', 't')", "send('{}', 'e', null)", "send_binary('', 'e', null)"):
            await stack.sql.execute(f"select realtime.{call}")

        assert [each.partition(":")[0] for each in warnings] == ["WarnSendingBroadcastMessage"] * 3
        assert await stack.sql.fetchval("select count(*) from realtime.messages") == 0
        with pytest.raises(asyncpg.RaiseError, match="Failed to process the row: Unexpected operation type: TRUNCATE"):
            await stack.sql.execute(
                "select realtime.broadcast_changes('t', 'e', 'TRUNCATE', 'a', 'b', null::record, null::record)"
            )
        with pytest.raises(asyncpg.RaiseError, match="function can only be triggered for each row"):
            await stack.sql.execute(
                "select realtime.broadcast_changes("
                "'t', 'e', 'INSERT', 'a', 'b', null::record, null::record, 'STATEMENT')"
            )


async def test_rows_are_lost_while_the_stream_is_broken_and_replayed_later(cluster: Cluster) -> None:
    async with a_stack(cluster, migration=MAY_READ) as stack, stack.client(vsn="1.0.0", config=PRIVATE) as reader:
        await stack.streaming()
        await stack.sql.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1".replace(
                "$1", f"'{APPLICATION_NAME}'"
            )
        )
        await asyncio.wait_for(stack.broke.wait(), 10)
        await stack.sql.execute("""select realtime.send('{"n": 1}', 'lost', 'proc:1')""")
        await stack.streaming()
        await stack.sql.execute("""select realtime.send('{"n": 2}', 'heard', 'proc:1')""")

        assert (await reader.next())[1]["event"] == "heard"
        since = int(CLOCK.wall().timestamp() * 1000) - 60_000
        async with stack.client(vsn="1.0.0", config={"broadcast": {"replay": {"since": since}}, **PRIVATE}) as late:
            replayed = [(await late.next())[1] for _ in range(2)]
        assert [(each["event"], each["meta"]["replayed"]) for each in replayed] == [("lost", True), ("heard", True)]


async def test_a_replay_gives_the_newest_private_ones_oldest_first(cluster: Cluster) -> None:
    async with a_stack(cluster, migration=MAY_READ) as stack:
        for number in range(3):
            await stack.sql.execute(f"""select realtime.send('{{"n": {number}}}', 'e', 'proc:1')""")
        await stack.sql.execute("select realtime.send('{}', 'public', 'proc:1', false)")
        await stack.sql.execute("select realtime.send_binary('\\x01', 'bytes', 'proc:1')")

        since = int(CLOCK.wall().timestamp() * 1000) - 60_000
        async with stack.client(config={"broadcast": {"replay": {"since": since, "limit": 3}}, **PRIVATE}) as reader:
            heard = [await reader.next() for _ in range(3)]
            await reader.silence()

        assert [each[1]["payload"]["n"] for each in heard[:2]] == [1, 2]
        assert heard[2][0] == 4
        assert heard[2][-1:] == b"\x01"
        assert b'"replayed":true' in heard[2]
        public = await stack.refusal(config={"broadcast": {"replay": {"since": since}}})
        assert public == "UnableToReplayMessages: Replay is not allowed for public channels"
        assert await stack.refusal(config={"broadcast": {"replay": {"since": "x"}}, **PRIVATE}) == (
            "UnableToReplayMessages: Replay params are not valid"
        )


async def test_a_channel_may_ask_when_the_stream_stands(cluster: Cluster) -> None:
    async with a_stack(cluster) as stack, stack.client(config={"broadcast": {"replication_ready": True}}) as reader:
        assert await reader.next() == (
            "system",
            {
                "message": "Replication connection established",
                "status": "ok",
                "extension": "system",
                "channel": "proc:1",
            },
        )


async def test_the_batch_endpoint_answers_as_recorded(cluster: Cluster) -> None:
    message = {"topic": "room1", "event": "http", "payload": {"h": 1}}
    async with a_stack(cluster) as stack, stack.client("room1") as reader:
        status, body, headers = await stack.post("/api/broadcast", {"messages": [message]}, role="anon")
        assert (status, body) == (202, None)
        assert headers["x-rate-limit"] == "100"
        assert await reader.next() == ("broadcast", {"event": "http", "payload": {"h": 1}, "type": "broadcast"})

        async def said(path: str, body: Any, **more: Any) -> tuple[int, Any]:
            return (await stack.post(path, body, **more))[:2]

        path = "/realtime/v1/api/broadcast"
        assert await said(path, {"messages": []}) == (422, {"errors": {"messages": ["can't be blank"]}})
        assert await said(path, b"not json") == (400, "Bad Request")
        assert await said(path, [1]) == (422, {"errors": {"messages": ["can't be blank"]}})
        assert await said(path, {"messages": [message]}, role=None) == (401, {"message": "Unauthorized"})
        assert await said(path, {"messages": [message]}, role=None, headers={"apikey": stack.token("anon")}) == (
            202,
            None,
        )
        assert (await reader.next())[0] == "broadcast"
        assert await said(path, {"messages": [message] * 101}) == (
            429,
            {"message": "Too many messages to broadcast, please reduce the batch size"},
        )
        await reader.silence()


async def test_the_single_endpoint_sends_json_and_bytes(cluster: Cluster) -> None:
    async with a_stack(cluster) as stack, stack.client("a/b") as reader:
        path = "/api/broadcast/a%2Fb/events/one"
        assert (await stack.post(path, {"b": 2, "a": 1}))[0] == 202
        assert await reader.next() == kind_4("realtime:a/b", "one", "", b'{"a":1,"b":2}')

        octets = {"Content-Type": "application/octet-stream"}
        assert (await stack.post(path, b"\x00\x01\xff", headers=octets))[0] == 202
        assert await reader.next() == kind_4("realtime:a/b", "one", "", b"\x00\x01\xff", is_json=False)

        status, body, _ = await stack.post(path, b"x", headers={"Content-Type": "text/plain"})
        assert (status, body) == (
            415,
            {"error": "Unsupported Media Type. Use application/json or application/octet-stream"},
        )


async def test_private_messages_over_http_need_a_policy_to_write(cluster: Cluster) -> None:
    batch = {"messages": [{"topic": "proc:1", "event": "e", "payload": {"by": "x"}, "private": True}]}
    single = "/api/broadcast/proc:1/events/one?private=true"
    async with a_stack(cluster, migration=f"{MAY_READ};{MAY_WRITE}") as stack, stack.client(config=PRIVATE) as reader:
        assert (await stack.post("/api/broadcast", batch))[0] == 202
        assert (await reader.next())[1] == {"event": "e", "payload": {"by": "x"}, "type": "broadcast"}
        assert (await stack.post(single, {"by": "x"}))[0] == 202
        assert await reader.next() == kind_4("realtime:proc:1", "one", "", b'{"by":"x"}')

        assert (await stack.post("/api/broadcast", batch, role="anon"))[0] == 202
        assert (await stack.post(single, {}, role="anon"))[:2] == (403, {"message": "Unauthorized"})
        assert (await stack.post(single, {}, role="nobody"))[:2] == (422, {"message": "RLS policy error"})
        await reader.silence()


async def test_a_denied_batch_is_refused_without_the_quirk(cluster: Cluster) -> None:
    batch = {"messages": [{"topic": "proc:1", "event": "e", "payload": {}, "private": True}]}
    async with a_stack(cluster, denied_batch_accepted=False) as stack:
        assert (await stack.post("/api/broadcast", batch, role="anon"))[:2] == (403, {"message": "Unauthorized"})


async def test_http_payloads_above_the_limit_are_refused(cluster: Cluster) -> None:
    big = {"k": "x" * 1500}
    async with a_stack(cluster, limits=Limits(max_payload_size_in_kb=1)) as stack:
        batch = {"messages": [{"topic": "t", "event": "e", "payload": big}]}
        assert (await stack.post("/api/broadcast", batch))[:2] == (
            422,
            {"errors": {"messages": [{"payload": ["Payload size exceeds tenant limit"]}]}},
        )
        assert (await stack.post("/api/broadcast/t/events/e", big))[:2] == (
            422,
            {"errors": {"payload": ["Payload size exceeds tenant limit"]}},
        )


async def test_a_browser_may_ask_from_anywhere(cluster: Cluster) -> None:
    async with a_stack(cluster) as stack:
        asked = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "apikey",
            "Origin": "http://a",
        }
        async with stack.http.options(f"http://127.0.0.1:{stack.port}/api/broadcast", headers=asked) as preflight:
            assert preflight.status == 200
            assert preflight.headers["access-control-allow-headers"] == "apikey"
        _, _, headers = await stack.post("/api/broadcast", {"messages": []}, headers={"Origin": "http://a"})
        assert headers["access-control-allow-origin"] == "*"


async def test_preparing_again_changes_nothing_that_is_there(cluster: Cluster) -> None:
    async with a_stack(cluster, migration=MAY_READ) as stack:
        await stack.sql.execute("select realtime.send('{}', 'e', 'proc:1')")

        await stack.messages.open()

        assert await stack.sql.fetchval("select count(*) from realtime.messages") == 1
        assert await stack.sql.fetchval("select count(*) from pg_policies where tablename = 'messages'") == 1


async def test_partitions_are_made_ahead_and_dropped_behind(cluster: Cluster) -> None:
    async with a_stack(cluster) as stack:
        await stack.sql.execute("select realtime.harness_partitions('2030-01-10')")
        made = await stack.sql.fetchval(
            "select array_agg(relname::text order by relname) from pg_class "
            "join pg_inherits on inhrelid = pg_class.oid where relkind = 'r'"
        )
        assert made == [f"messages_2030_01_{day:02d}" for day in range(9, 14)]

        await stack.sql.execute("select realtime.harness_partitions('2030-01-14')")
        made = await stack.sql.fetchval(
            "select array_agg(relname::text order by relname) from pg_class "
            "join pg_inherits on inhrelid = pg_class.oid where relkind = 'r'"
        )
        assert made == [f"messages_2030_01_{day:02d}" for day in range(11, 18)]


async def test_a_probe_leaves_no_row_and_no_role(cluster: Cluster) -> None:
    async with a_stack(cluster, migration=f"{MAY_READ};{MAY_WRITE}") as stack, stack.client(config=PRIVATE) as reader:
        await stack.streaming()
        await reader.broadcast("x")
        await reader.silence()
        await stack.asked()

        assert await stack.sql.fetchval("select count(*) from realtime.messages") == 0


async def test_the_slot_is_gone_with_the_server(cluster: Cluster) -> None:
    async with a_stack(cluster) as stack:
        await stack.streaming()
        assert await stack.sql.fetchval("select slot_name from pg_replication_slots") == f"{SLOT}test"

    connection = await asyncpg.connect(cluster.url())
    try:
        assert await connection.fetchval("select count(*) from pg_replication_slots") == 0
    finally:
        await connection.close()
