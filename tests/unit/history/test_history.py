from harness.history import History
from tests.histories.literal import a_history, an_op, applied

HISTORY = a_history(applied("a", sequence=1), applied("b", sequence=1), an_op("b", "join", type="fail", topic="t"))


def test_ops_are_found_by_what_they_are_and_carry() -> None:
    assert list(HISTORY.where(f="apply")) == list(HISTORY[0:2])
    assert list(HISTORY.where(actor="b", sequence=1)) == [HISTORY[1]]
    assert list(HISTORY.where(type="fail")) == [HISTORY[2]]
    assert list(HISTORY.where(f="send")) == []


def test_ops_are_grouped_by_fields_and_entries() -> None:
    assert HISTORY.group_by("actor", "topic") == {
        ("a", None): HISTORY[0:1],
        ("b", None): HISTORY[1:2],
        ("b", "t"): HISTORY[2:3],
    }


def test_a_history_says_how_long_it_is() -> None:
    assert repr(HISTORY) == "History(3 ops)"
    assert not History()
