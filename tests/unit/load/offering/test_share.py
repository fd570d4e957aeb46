"""Who plays where: all of a plan, once, and every reader beside its writer."""

from dataclasses import astuple

import pytest

from load.offering.share import Cast, Share
from load.plan import Plan

PLAN = Plan(writers=5, readers=3, churners=4, storm=7)


def casts(workers: int) -> list[Cast]:
    return [Cast.of(PLAN, Share(worker=number, workers=workers)) for number in range(workers)]


def test_writers_are_dealt_out_in_turn() -> None:
    dealt = [list(Share(worker=number, workers=2).of(5)) for number in range(2)]

    assert dealt == [[0, 2, 4], [1, 3]]


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_everybody_is_played_once_however_many_share(workers: int) -> None:
    kinds = zip(*map(astuple, casts(workers)), strict=True)

    together = [sorted(number for numbers in kind for number in numbers) for kind in kinds]

    assert together == [list(range(5)), list(range(15)), list(range(7)), list(range(4))]


@pytest.mark.parametrize("workers", [2, 3])
def test_everybody_plays_where_the_writer_is_that_he_reads(workers: int) -> None:
    for cast in casts(workers):
        others = (*cast.readers, *cast.storm, *cast.churners)

        assert {number % PLAN.writers for number in others} <= set(cast.writers)


def test_counts_are_by_the_names_of_the_users() -> None:
    counts = [cast.counts() for cast in casts(2)]

    assert counts == [
        {"Writer": 3, "Reader": 9, "Storm": 4, "Churner": 2},
        {"Writer": 2, "Reader": 6, "Storm": 3, "Churner": 2},
    ]


def test_a_name_is_told_apart_only_where_there_are_several() -> None:
    assert (Share().named("locust"), Share(worker=1, workers=2).named("locust")) == ("locust", "locust 2")
