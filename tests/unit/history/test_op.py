import pickle

import pytest

from harness.history.op import Value


def test_an_entry_is_the_same_by_item_and_by_attribute() -> None:
    value = Value({"sequence": 3}, topic="t")

    assert (value["sequence"], value.sequence, value.topic, len(value)) == (3, 3, "t", 2)


def test_a_missing_entry_says_what_is_there() -> None:
    with pytest.raises(AttributeError, match=r"carries no 'lsn', only \['sequence'\]"):
        _ = Value(sequence=3).lsn


def test_values_are_compared_by_what_they_hold() -> None:
    assert Value(a=1) == {"a": 1}
    assert hash(Value(a=1, b=2)) == hash(Value(b=3, a=4))
    assert repr(Value(a=1)) == "Value({'a': 1})"


def test_a_value_can_go_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(Value(a=[1]))) == Value(a=[1])
