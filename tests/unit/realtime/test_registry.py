from harness.realtime.auth import Claims
from harness.realtime.registry import Registry
from harness.realtime.subscription import Subscriber, Subscription

CLAIMS = Claims(role="anon", expires=1, text="{}", token="t")


def a_subscriber(link: str = "l") -> Subscriber:
    return Subscriber(link=link, topic="realtime:x", vsn="2.0.0")


def a_row(subscriber: Subscriber, row: int, action: str = "*", relation: int = 7) -> Subscription:
    return Subscription(
        subscriber=subscriber, row=row, binding_id=1, position=0, relation=relation, action=action, claims=CLAIMS
    )


def test_rows_are_found_by_table_and_action() -> None:
    registry: Registry[str] = Registry()
    one = a_subscriber()
    everything, deletes, elsewhere = a_row(one, 1), a_row(one, 2, "DELETE"), a_row(one, 3, relation=8)

    registry.add("outlet", one, (everything, deletes, elsewhere))

    assert registry.interested(7, "INSERT") == (everything,)
    assert registry.interested(7, "DELETE") == (everything, deletes)
    assert registry.interested(9, "INSERT") == ()
    assert (registry.outlet(one), len(registry)) == ("outlet", 1)


def test_the_row_of_a_channel_that_left_lives_on_until_it_is_removed() -> None:
    registry: Registry[str] = Registry()
    gone, stays = a_subscriber("gone"), a_subscriber("stays")
    for subscriber, row in ((gone, 1), (stays, 2)):
        registry.add("outlet", subscriber, (a_row(subscriber, row),))

    registry.leave(gone)
    lingering = registry.interested(7, "INSERT")
    left = registry.left(10)
    standing = registry.standing(lingering)
    registry.removed(left)

    assert [each.row for each in lingering] == [1, 2]
    assert (left, [each.row for each in standing], registry.outlet(gone)) == ([1], [2], None)
    assert [each.row for each in registry.interested(7, "INSERT")] == [2]
    assert registry.left(10) == []


def test_rows_are_removed_so_many_at_a_time() -> None:
    registry: Registry[str] = Registry()
    gone = a_subscriber()
    registry.add("outlet", gone, tuple(a_row(gone, row) for row in (1, 2, 3)))

    registry.leave(gone)

    assert registry.left(2) == [1, 2]


def test_a_channel_that_subscribes_again_keeps_the_rows_that_it_has_again() -> None:
    registry: Registry[str] = Registry()
    one = a_subscriber()
    registry.add("outlet", one, (a_row(one, 1), a_row(one, 2)))

    registry.add("outlet", one, (a_row(one, 2), a_row(one, 3)))

    assert registry.left(10) == [1]
    assert [each.row for each in registry.standing(registry.interested(7, "UPDATE"))] == [2, 3]


def test_a_row_that_was_taken_up_again_is_not_removed() -> None:
    registry: Registry[str] = Registry()
    one = a_subscriber()
    registry.add("outlet", one, (a_row(one, 1),))
    registry.leave(one)

    registry.add("outlet", one, (a_row(one, 1),))
    registry.removed([1])

    assert [each.row for each in registry.interested(7, "INSERT")] == [1]


def test_after_clearing_nobody_is_left() -> None:
    registry: Registry[str] = Registry()
    one = a_subscriber()
    registry.add("outlet", one, (a_row(one, 1),))

    stood = registry.clear()

    assert stood == {one: "outlet"}
    assert (len(registry), registry.interested(7, "INSERT"), registry.outlet(one)) == (0, (), None)
