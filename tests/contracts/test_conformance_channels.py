"""The official clients and we meet in channels of the embedded engine: broadcasts, private channels, presence."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from harness.clients.client import Binding
from tests.contracts.arms import ARMS
from tests.contracts.engine_stack import Engine, an_engine
from tests.contracts.people import Person, start, told, told_of, until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # realtime-py reads an attribute that websockets 15 has deprecated.
    pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning"),
]

LOUD = {"broadcast": {"self": True, "ack": True}}
QUIET = {"broadcast": {"self": False, "ack": False}}
ANSWERED = {"broadcast": {"self": False, "ack": True}}
PAYLOAD = {"text": "日本", "number": 1.5, "list": [1, None, {"deep": True}]}
OTHERS = {"native": "py", "py": "js", "js": "native"}
"""With whom somebody meets: every arm speaks to one other, and is spoken to by the third."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with an_engine() as running:
        yield running


@pytest.fixture(scope="module", params=ARMS)
def arm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alice(arm: str, engine: Engine) -> AsyncIterator[Person]:
    person = await start(arm, engine.url, apikey=engine.token(), token=engine.token("alice"))
    yield person
    await person.end()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bob(arm: str, engine: Engine) -> AsyncIterator[Person]:
    """By another client than Alice's."""
    person = await start(OTHERS[arm], engine.url, apikey=engine.token(), token=engine.token("bob"))
    yield person
    await person.end()


async def meet(topic: str, config: dict[str, Any], *people: Person) -> None:
    for person in people:
        await person.join(topic, config)
        assert await told(person, topic) == ("subscribed",)


async def test_a_broadcast_reaches_the_others_and_with_self_its_sender(alice: Person, bob: Person) -> None:
    await meet("loud", LOUD, alice, bob)

    await alice.send("loud", "shout", PAYLOAD)
    own = {(await told(alice, "loud"))[0] for _ in range(2)}
    heard = await told(bob, "loud")
    await bob.send("loud", "answer", {"n": 1})

    assert own == {"sent", "heard"}
    assert heard == ("heard", "shout", PAYLOAD)
    assert await told(alice, "loud") == ("heard", "answer", {"n": 1})


async def test_without_self_the_sender_does_not_hear_itself(alice: Person, bob: Person) -> None:
    await meet("quiet", QUIET, alice, bob)

    await alice.send("quiet", "shout", PAYLOAD)
    heard = await told(bob, "quiet")
    await bob.send("quiet", "answer", {})

    assert heard == ("heard", "shout", PAYLOAD)
    assert await told(alice, "quiet") == ("sent", "ok")
    assert await told(alice, "quiet") == ("heard", "answer", {})


async def test_with_ack_the_server_answers(alice: Person) -> None:
    await meet("answered", ANSWERED, alice)

    await alice.send("answered", "shout", PAYLOAD)

    assert await told(alice, "answered") == ("sent", "ok")


async def test_a_broadcast_from_the_database_is_heard_in_a_private_channel(alice: Person, engine: Engine) -> None:
    await meet("team:database", {"private": True, **QUIET}, alice)

    await engine.sql.execute("""select realtime.send('{"a": 1, "id": "x"}', 'written', 'team:database')""")

    assert await told(alice, "team:database") == ("heard", "written", {"a": 1, "id": "x"})


async def test_a_private_channel_is_open_to_those_a_policy_lets_in(alice: Person, bob: Person) -> None:
    await meet("team:1", {"private": True, **LOUD}, alice, bob)

    await alice.send("team:1", "shout", {"a": 1})

    assert await told(bob, "team:1") == ("heard", "shout", {"a": 1})


async def test_a_private_channel_is_closed_to_others(alice: Person) -> None:
    await alice.join("secret:1", {"private": True, **QUIET})

    what, words = await told(alice, "secret:1")

    assert what == "refused"
    assert "Unauthorized: You do not have permissions to read from this Channel topic: secret:1" in words
    await alice.leave("secret:1")


async def test_a_public_channel_of_the_same_name_is_another_room(alice: Person, bob: Person) -> None:
    await meet("team:2", {"private": True, **QUIET}, alice)
    await meet("team:2", LOUD, bob)

    await bob.send("team:2", "public", {})
    await told_of(bob, "team:2", "heard")
    await meet("team:3", {"private": True, **QUIET}, alice)  # whatever was sent to her before has come, too

    assert alice.told["team:2"].empty()


async def test_a_token_that_a_policy_refuses_ends_the_private_channel(arm: str, engine: Engine) -> None:
    person = await start(arm, engine.url, apikey=engine.token(), token=engine.token("carol"))
    await meet("team:4", {"private": True, **QUIET}, person)

    await person.set_token(engine.token())

    assert await told_of(person, "team:4", "closed") == ("closed",)
    await person.end()


async def test_one_is_present_until_one_says_otherwise(alice: Person, bob: Person) -> None:
    await alice.join("office", {"presence": {"key": "alice"}})
    await until(alice, "office", ("present", {}))
    await bob.join("office", {"presence": {"key": "bob"}})
    await until(bob, "office", ("present", {}))

    await alice.track("office", {"at": "desk", "n": 1})
    for person in (alice, bob):
        await until(person, "office", ("present", {"alice": [{"at": "desk", "n": 1}]}))
    await bob.track("office", {"at": "door"})
    for person in (alice, bob):
        await until(person, "office", ("present", {"alice": [{"at": "desk", "n": 1}], "bob": [{"at": "door"}]}))
    await alice.untrack("office")
    for person in (alice, bob):
        await until(person, "office", ("present", {"bob": [{"at": "door"}]}))
    await bob.leave("office")

    assert (await until(alice, "office", ("present", {})))[-1] == ("present", {})


async def test_one_who_comes_later_meets_those_who_are_there(alice: Person, bob: Person) -> None:
    await alice.join("kitchen", {"presence": {"key": "alice"}})
    await until(alice, "kitchen", ("present", {}))
    await alice.track("kitchen", {"cooks": "tea"})
    await until(alice, "kitchen", ("present", {"alice": [{"cooks": "tea"}]}))

    await bob.join("kitchen", {"presence": {"key": "bob"}})

    assert await told(bob, "kitchen") == ("subscribed",)
    assert await told(bob, "kitchen") == ("present", {"alice": [{"cooks": "tea"}]})


async def test_one_who_vanishes_is_present_no_longer(arm: str, engine: Engine, bob: Person) -> None:
    await bob.join("hall", {"presence": {"key": "bob"}})
    await until(bob, "hall", ("present", {}))
    guest = await start(arm, engine.url, apikey=engine.token(), token=engine.token("carol"))
    await guest.join("hall", {"presence": {"key": "guest"}})
    await until(guest, "hall", ("subscribed",))
    await guest.track("hall", {})
    await until(bob, "hall", ("present", {"guest": [{}]}))

    await guest.end()

    assert await told(bob, "hall") == ("present", {})


async def test_each_binding_of_a_channel_gets_what_it_asked_for(alice: Person, engine: Engine) -> None:
    def on_articles(event: str, filter: str | None = None) -> Binding:
        return Binding(event=event, schema="public", table="articles", filter=filter)

    on_marks = Binding(event="*", schema="public", table="marks")
    bindings = (
        on_articles("INSERT", "id=eq.1"),
        on_articles("UPDATE"),
        on_marks,
        on_articles("*"),
        on_articles("DELETE"),
    )
    await alice.join("bindings", {**QUIET}, *bindings)
    assert await until(alice, "bindings", ("ready",)) == [("subscribed",), ("ready",)]

    first, second = {"id": 1, "title": "a", "words": 1}, {"id": 2, "title": "b", "words": 2}
    await engine.sql.execute("insert into articles values (1, 'a', 1), (2, 'b', 2)")
    await engine.sql.execute("update articles set title = 'b' where id = 2")
    await engine.sql.execute("delete from articles where id = 2")
    happened = [await told(alice, "bindings") for _ in range(7)]

    assert sorted(happened, key=str) == sorted(
        [
            ("change", 0, "INSERT", first),
            ("change", 3, "INSERT", first),
            ("change", 3, "INSERT", second),
            ("change", 1, "UPDATE", second),
            ("change", 3, "UPDATE", second),
            ("change", 3, "DELETE", {}),
            ("change", 4, "DELETE", {}),
        ],
        key=str,
    )
    await engine.sql.execute("delete from articles")
