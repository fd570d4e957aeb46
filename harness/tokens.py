"""Tokens (HS256) as the application and the harness mint and check them.

The Realtime server has rules and words of its own (`realtime/auth.py`); this is the other side: what a
login service would hand out and what the simulated backend accepts.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import jwt

from harness.errors import TokenError

DEVELOPMENT_SECRET = "super-secret-jwt-token-with-at-least-32-characters-long"
"""The secret that `supabase start` uses, too: for loopback stacks only."""

_USERS = UUID("6f1b1c1e-5d57-4d1f-9a55-0f6f3a1c2b10")


def user_id(name: str) -> UUID:
    """The id of the user whom a story calls `name`: always the same for the same name."""
    return uuid5(_USERS, name)


def mint(secret: str, *, role: str, wall: datetime, ttl: float = 3600.0, sub: UUID | str | None = None) -> str:
    """A token of `role` that is good from `wall` for `ttl` seconds; `sub` is the user's id."""
    claims: dict[str, Any] = {
        "role": role,
        "iss": "realtime-harness",
        "aud": "authenticated",
        "iat": int(wall.timestamp()),
        "exp": int((wall + timedelta(seconds=ttl)).timestamp()),
    }
    if sub is not None:
        claims["sub"] = str(sub)
    return jwt.encode(claims, secret, algorithm="HS256")


def verify(token: str, secret: str, *, wall: datetime) -> Mapping[str, Any]:
    """The claims of a token that is signed with `secret` and not expired at `wall`.

    Raises `TokenError` with the reason; `role` and `exp` are required.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            options={"require": ["role", "exp"], "verify_exp": False, "verify_aud": False, "verify_iat": False},
        )
    except jwt.PyJWTError as error:
        raise TokenError(f"token refused: {error}") from error
    expires = claims["exp"]
    if not isinstance(expires, int) or expires <= wall.timestamp():
        raise TokenError("token refused: it has expired")
    return claims
