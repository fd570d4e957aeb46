from math import inf

from harness.checkers.reader_life import ends, live, pages, was_due, watched_until
from harness.history.facts import Facts
from tests.histories.literal import a_history, an_op, applied, settled, subscribed


def test_a_reader_ends_when_it_leaves_or_shows_its_view_and_has_not_when_it_subscribes_again() -> None:
    left, shown = an_op("a", "leave", at=3.0, process_id="p1"), an_op("b", "view", at=4.0, process_id="p1")
    again = subscribed("a", at=5.0)

    assert ends(a_history(subscribed("a", at=0.0), subscribed("b"), left, shown)) == {
        ("a", "p1"): 3.0,
        ("b", "p1"): 4.0,
    }
    assert ends(a_history(subscribed("a", at=0.0), left, again)) == {("a", "p1"): inf}
    assert ends(a_history(subscribed("a", at=0.0), left, an_op("a", "view", at=4.0, process_id="p1"))) == {
        ("a", "p1"): 3.0
    }


def test_only_live_is_live() -> None:
    said = [
        an_op("a", "status", at=at, process_id="p1", status=status) for at, status in ((1.0, "live"), (2.0, "stale"))
    ]

    (statement,) = live(a_history(*said, an_op("a", "view", at=9.0, process_id="p1")))["a", "p1"]

    assert (statement.start, statement.end) == (1.0, 2.0)


def test_a_page_ends_where_the_next_is_mounted() -> None:
    mount = an_op("a", "remount", process_id="p1")
    history = a_history(applied("a", sequence=1), applied("b", sequence=1), mount, applied("a", sequence=1))

    assert pages(history) == [(history[0],), (history[1],), (history[3],)]


def test_something_is_due_after_its_time_or_when_all_is_at_rest() -> None:
    facts = Facts.of(a_history(settled(at=3.0)))

    assert [was_due(facts, start, end, 5.0) for start, end in ((0.0, 5.0), (0.0, 2.0), (1.0, 4.0), (4.0, 8.0))] == [
        True,
        False,
        True,
        False,
    ]


def test_only_a_storys_recording_can_have_been_cut_short() -> None:
    ops = an_op("story", "step", type="invoke", at=1.0), an_op("a", "view", at=2.0, process_id="p1")

    assert watched_until(Facts.of(a_history(*ops)), inf) == 2.0
    assert watched_until(Facts.of(a_history(ops[1])), inf) == inf
    assert watched_until(Facts.of(a_history(*ops)), 1.5) == 1.5
