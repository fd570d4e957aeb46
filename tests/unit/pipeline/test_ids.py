"""Ids come from the generator."""

from random import Random

from harness.pipeline.ids import new_id


def test_ids_are_random_uuids_of_the_seed() -> None:
    one, other = Random(1), Random(1)

    ids = [new_id(one) for _ in range(3)]

    assert ids == [new_id(other) for _ in range(3)]
    assert len(set(ids)) == 3
    assert {each.version for each in ids} == {4}
