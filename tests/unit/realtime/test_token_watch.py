import inspect
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast

import pytest

from harness.history.recorder import Recorder
from harness.realtime.auth import Claims, verify
from harness.realtime.feature import Feature
from harness.realtime.limits import TenantLimits
from harness.realtime.plans import Limits
from harness.realtime.services import Services
from harness.realtime.tenant import LiveTenant, Tenant
from harness.realtime.token_watch import TokenWatch
from harness.realtime.worker import Worker
from harness.tokens import DEVELOPMENT_SECRET, mint
from tests.unit.realtime.channel_doubles import Heard, a_channel, said_by_system, turns

WALL = datetime(2026, 11, 24, tzinfo=UTC)


class Moved:
    """A clock that stands where it is put."""

    wall_time = WALL

    def now(self) -> float:
        return 0.0

    def wall(self) -> datetime:
        return self.wall_time

    async def sleep(self, seconds: float) -> None: ...


def services(clock: Moved, **settings: Any) -> Services:
    return Services(
        live=LiveTenant(Tenant(jwt_secret=DEVELOPMENT_SECRET, **settings)),
        worker=cast(Worker, None),
        clock=clock,
        rng=Random(1),
        recorder=Recorder(clock.now),
        limits=TenantLimits(Limits()),
    )


def a_token(*, ttl: float = 60.0, role: str = "anon") -> str:
    return mint(DEVELOPMENT_SECRET, role=role, wall=WALL, ttl=ttl)


def claims(token: str) -> Claims:
    verdict = verify(token, DEVELOPMENT_SECRET, wall=WALL.timestamp())
    assert isinstance(verdict, Claims)
    return verdict


async def test_a_good_token_replaces_the_claims_and_is_told() -> None:
    socket, told = Heard(), list[str]()
    channel = a_channel(socket, claims=claims(a_token()))
    watch = TokenWatch(services(Moved()), [Feature(name="x", refresh=lambda it: told.append(it.claims.role))])

    watch.given(channel, a_token(role="authenticated"))

    assert (channel.claims.role, told, socket.said) == ("authenticated", ["authenticated"], [])


@pytest.mark.parametrize("token", [None, 5, {"a": 1}, "sb_secret_x", "the same"])
async def test_what_is_no_new_token_changes_nothing(token: Any) -> None:
    """Recording p04b."""
    socket, same = Heard(), claims(a_token())
    channel = a_channel(socket, claims=same)

    TokenWatch(services(Moved()), []).given(channel, same.token if token == "the same" else token)

    assert (channel.claims, socket.said) == (same, [])


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", "The token provided is not a valid JWT"),
        (a_token(ttl=-10.0), "Token has expired 10 seconds ago"),
        (mint("another-secret-of-more-than-32-characters", role="anon", wall=WALL), ":signature_error"),
    ],
)
async def test_a_bad_token_ends_the_channel(token: str, words: str) -> None:
    """Recording p04b."""
    socket = Heard()
    channel = a_channel(socket, claims=claims(a_token()))

    TokenWatch(services(Moved()), []).given(channel, token)

    assert socket.said == [said_by_system("error", words), "end"]


async def test_a_feature_may_refuse_a_good_token() -> None:
    async def unreadable(_: object) -> str:
        return "You no longer have permission to read from this Channel topic: room"

    socket = Heard()
    channel = a_channel(socket, claims=claims(a_token()))
    answer = TokenWatch(services(Moved()), [Feature(name="x", refresh=unreadable)]).given(channel, a_token(role="r"))
    assert inspect.isawaitable(answer)

    await answer

    words = "You no longer have permission to read from this Channel topic: room"
    assert socket.said == [said_by_system("error", words), "end"]


async def test_a_token_is_looked_at_again_in_time() -> None:
    clock, socket = Moved(), Heard()
    channel = a_channel(socket, claims=claims(a_token(ttl=60.0)))
    hooks = TokenWatch(services(clock, token_check_s=0.0), []).feature()
    assert hooks.follow is not None

    hooks.follow(channel)
    await turns()
    before = list(socket.said)
    clock.wall_time = WALL + timedelta(seconds=61)
    await turns()

    assert before == []
    assert socket.said == [said_by_system("error", "Token has expired 1 seconds ago"), "end"]


async def test_a_channel_that_is_over_is_not_looked_at() -> None:
    clock, socket = Moved(), Heard()
    channel = a_channel(socket, claims=claims(a_token()))
    hooks = TokenWatch(services(clock, token_check_s=0.0), []).feature()
    assert hooks.follow is not None
    assert hooks.over is not None

    hooks.follow(channel)
    hooks.over(channel)
    clock.wall_time = WALL + timedelta(seconds=61)
    await turns()

    assert socket.said == []
