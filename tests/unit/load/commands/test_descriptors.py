"""Room for many sockets."""

import resource

import pytest

from harness.errors import UsageError
from load.commands.descriptors import make_room, needed_for
from load.plan import Plan

MANY = Plan(writers=100, readers=10)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The limits that hold, soft and hard; the last is in force."""
    held = [(1024, 4096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: held[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, limit: held.append(limit))
    return held


def test_each_user_needs_some(limits: list[tuple[int, int]]) -> None:
    assert needed_for(MANY) >= 2 * MANY.users


def test_the_limit_is_raised_as_far_as_it_is_needed(limits: list[tuple[int, int]]) -> None:
    make_room(MANY)

    assert limits[-1] == (needed_for(MANY), 4096)


def test_what_is_enough_stays(limits: list[tuple[int, int]]) -> None:
    make_room(Plan())

    assert limits == [(1024, 4096)]


def test_what_the_system_does_not_allow_is_wrong_usage_that_says_so(limits: list[tuple[int, int]]) -> None:
    with pytest.raises(UsageError, match=r"users need \d+ open files, and this system allows 4096"):
        make_room(Plan(writers=1000, readers=10))

    assert limits == [(1024, 4096)]
