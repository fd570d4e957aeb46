"""Tokens as a login service would hand them out, and what the application accepts."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
import pytest

from harness.errors import TokenError
from harness.tokens import DEVELOPMENT_SECRET, mint, user_id, verify

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OTHER = "another-secret-that-is-long-enough-too"


def test_a_token_says_who_what_and_until_when() -> None:
    token = mint(DEVELOPMENT_SECRET, role="authenticated", wall=NOW, ttl=600, sub=UUID(int=7))

    assert verify(token, DEVELOPMENT_SECRET, wall=NOW) == {
        "role": "authenticated",
        "iss": "realtime-harness",
        "aud": "authenticated",
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 600,
        "sub": str(UUID(int=7)),
    }


def test_a_token_of_nobody_has_no_subject() -> None:
    assert "sub" not in verify(mint(DEVELOPMENT_SECRET, role="anon", wall=NOW), DEVELOPMENT_SECRET, wall=NOW)


@pytest.mark.parametrize(("seconds", "good"), [(599, True), (600, False), (601, False)])
def test_a_token_is_good_until_it_expires(seconds: int, good: bool) -> None:
    token = mint(DEVELOPMENT_SECRET, role="anon", wall=NOW, ttl=600)
    later = NOW + timedelta(seconds=seconds)

    if good:
        assert verify(token, DEVELOPMENT_SECRET, wall=later)["role"] == "anon"
    else:
        with pytest.raises(TokenError, match="it has expired"):
            verify(token, DEVELOPMENT_SECRET, wall=later)


def test_a_negative_time_makes_a_token_that_has_expired() -> None:
    token = mint(DEVELOPMENT_SECRET, role="anon", wall=NOW, ttl=-1)

    with pytest.raises(TokenError, match="it has expired"):
        verify(token, DEVELOPMENT_SECRET, wall=NOW)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "no token",
        mint(OTHER, role="anon", wall=NOW),
        jwt.encode({"exp": 4102444800}, DEVELOPMENT_SECRET),
        jwt.encode({"role": "anon"}, DEVELOPMENT_SECRET),
        jwt.encode({"role": "anon", "exp": "soon"}, DEVELOPMENT_SECRET),
        jwt.encode({"role": "anon", "exp": 4102444800}, "", algorithm="none"),
        jwt.encode({"role": "anon", "exp": 4102444800}, DEVELOPMENT_SECRET * 2, algorithm="HS512"),
    ],
)
def test_what_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(TokenError, match="token refused"):
        verify(token, DEVELOPMENT_SECRET, wall=NOW)


def test_a_user_has_the_same_id_in_every_story() -> None:
    assert user_id("alice") == user_id("alice")
    assert user_id("alice") != user_id("bob")
    assert user_id("alice").version == 5
