from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from harness.history.recorder import Recorder
from harness.realtime.auth import Claims
from harness.realtime.outlet import Delivery
from harness.realtime.post import Post
from harness.realtime.registry import Registry
from harness.realtime.subscription import Subscriber, Subscription
from harness.realtime.visibility import Output
from harness.replication.change import Action, Change, Relation
from harness.replication.lsn import Lsn

TABLE = Relation(oid=1, schema="public", table="t", columns=())


class Box:
    """An outlet that writes down what it is handed, call by call."""

    def __init__(self) -> None:
        self.calls: list[list[Delivery]] = []

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        self.calls.append(list(deliveries))

    def down(self, subscriber: Subscriber, *, at_once: bool = False) -> None:
        raise AssertionError("nobody is put down here")


class Stage:
    """Subscribers that stand, by their links and topics. All asked for the same binding."""

    def __init__(self, *topics: tuple[str, str]) -> None:
        self.registry: Registry[Any] = Registry()
        self.recorder = Recorder(lambda: 0.0)
        self.boxes: dict[str, Box] = {}
        self.subscriptions: list[Subscription] = []
        for row, (link, topic) in enumerate(topics, start=1):
            self.stand(row, link, topic)
        self.post = Post(self.registry, self.recorder)

    def stand(self, row: int, link: str, topic: str) -> None:
        subscriber = Subscriber(link=link, topic=topic, vsn="2.0.0")
        subscription = Subscription(
            subscriber=subscriber,
            row=row,
            binding_id=11,
            position=0,
            relation=TABLE.oid,
            action="*",
            claims=Claims(role="anon", expires=1, text="{}", token="t"),
        )
        self.registry.add(self.boxes.setdefault(link, Box()), subscriber, (subscription,))
        self.subscriptions.append(subscription)

    def add(self, record: str, row: dict[str, Any] | None = None) -> None:
        seen = tuple(self.subscriptions)
        self.post.add(a_change(), Output(subscriptions=seen, record=record), seen, row)


def a_change() -> Change:
    return Change(
        lsn=Lsn(1),
        position=0,
        commit_timestamp=datetime(2026, 1, 1, tzinfo=UTC),
        relation=TABLE,
        action=Action.INSERT,
        record={},
    )


def test_each_socket_gets_its_frames_at_once_and_in_order() -> None:
    stage = Stage(("one", "realtime:x"), ("one", "realtime:y"), ("other", "realtime:x"))

    stage.add('{"id": 1}')
    stage.add('{"id": 2}')
    stage.post.go()

    (one,), (other,) = stage.boxes["one"].calls, stage.boxes["other"].calls
    assert [each.topic for each in one] == ["realtime:x", "realtime:y", "realtime:x", "realtime:y"]
    assert [b'"id": 1' in each.frame for each in one] == [True, True, False, False]
    assert [b'"id": 2' in each.frame for each in other] == [False, True]


def test_equal_frames_are_made_once() -> None:
    stage = Stage(*((link, "realtime:x") for link in ("one", "other")))

    stage.add('{"id": 1}')
    stage.post.go()

    ((one,),), ((other,),) = stage.boxes["one"].calls, stage.boxes["other"].calls
    assert one is other


def test_nothing_is_posted_twice() -> None:
    stage = Stage(("one", "realtime:x"))

    stage.add('{"id": 1}')
    stage.post.go()
    stage.post.go()

    assert [len(call) for call in stage.boxes["one"].calls] == [1]


def test_many_frames_do_not_wait_for_the_end_of_the_batch() -> None:
    stage = Stage(("one", "realtime:x"))

    for number in range(5_000):
        stage.add(f'{{"id": {number}}}')
    stage.post.go()

    assert [len(call) for call in stage.boxes["one"].calls] == [4_096, 904]


def test_a_channel_that_is_gone_gets_nothing() -> None:
    stage = Stage(("one", "realtime:x"), ("other", "realtime:x"))
    stage.registry.leave(stage.subscriptions[0].subscriber)

    stage.add('{"id": 1}')
    stage.post.go()

    assert stage.boxes["one"].calls == []
    assert len(stage.boxes["other"].calls) == 1


def test_the_history_is_told_who_is_sent_what_unless_it_does_not_follow_the_row() -> None:
    stage = Stage(("one", "realtime:x"), ("other", "realtime:y"))

    stage.add('{"id": 1}', {"event_id": "e1"})
    stage.add('{"id": 2}')

    assert [(op.f, dict(op.value)) for op in stage.recorder.ops()] == [
        ("dispatch", {"event_id": "e1", "link": "one", "topic": "realtime:x", "ids": [11]}),
        ("dispatch", {"event_id": "e1", "link": "other", "topic": "realtime:y", "ids": [11]}),
    ]
