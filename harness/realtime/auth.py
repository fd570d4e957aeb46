"""Who asks: a token becomes claims, or a refusal with the words of the real server.

The same refusal is worded in three ways: when the socket is opened, when a channel is joined and when a joined
channel is given a new token (realtime-facts 1.3, 1.4, 3.3; recordings p04 and p04b).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NoReturn
from urllib.parse import unquote

from harness.realtime.elixir import inspect
from harness.realtime.keys import Jwk, NoSigner, from_base64url, genuine

_LATEST: Final = 1 << 53
"""Seconds; a token that is good for longer is good until then."""

_NO_SIGNER: Final = "Failed to generate JWT signer"
_CHECK_SECRET: Final = "check your JWT secret or JWKS configuration"


class Reason(Enum):
    """Why a token is not accepted."""

    MISSING = "missing"
    MALFORMED = "malformed"
    SIGNER = "signer"
    SIGNATURE = "signature"
    INVALID_TIME = "invalid time"
    EXPIRED = "expired"
    OTHER_CLAIM = "other claim"
    NO_ROLE_OR_EXP = "no role or exp"


_WORDS: Final[Mapping[Reason, str]] = {
    Reason.MISSING: "API key is missing",
    Reason.MALFORMED: "The token provided is not a valid JWT",
    Reason.SIGNATURE: "Failed to validate JWT signature",
    Reason.INVALID_TIME: "Token expiration time is invalid",
    Reason.NO_ROLE_OR_EXP: "Fields `role` and `exp` are required in JWT",
}
_JOIN_CODES: Final[Mapping[Reason, str]] = {
    Reason.MISSING: "MalformedJWT",
    Reason.MALFORMED: "MalformedJWT",
    Reason.SIGNER: "JwtSignerError",
    Reason.SIGNATURE: "JwtSignatureError",
    Reason.INVALID_TIME: "InvalidJWTToken",
    Reason.EXPIRED: "InvalidJWTToken",
    Reason.OTHER_CLAIM: "UnknownErrorOnChannel",
    Reason.NO_ROLE_OR_EXP: "InvalidJWTToken",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A token that is not accepted.

    `age_s` is for how long it has been expired, `key_id` the header's `kid`, `claim` the name and value of a claim
    that is not as the tenant's validators want it.
    """

    reason: Reason
    age_s: int = 0
    key_id: str | None = None
    claim: tuple[str, Any] | None = None

    def at_connect(self) -> tuple[int, str]:
        """HTTP status and text for the upgrade."""
        if self.reason in (Reason.INVALID_TIME, Reason.OTHER_CLAIM):
            return 500, "Error connecting to Realtime"
        if self.reason is Reason.EXPIRED:
            return 401, "Token has expired"
        return 401, self._words()

    def at_join(self) -> str:
        """The reason in the error reply to a join."""
        return f"{_JOIN_CODES[self.reason]}: {self._words()}"

    def at_refresh(self) -> str:
        """The message of the `system` error after which the channel is closed."""
        return ":signature_error" if self.reason is Reason.SIGNATURE else self._words()

    def _words(self) -> str:
        if self.reason is Reason.EXPIRED:
            return f"Token has expired {self.age_s} seconds ago"
        if self.reason is Reason.SIGNER:
            key = f' for key ID (kid) "{self.key_id}"' if self.key_id is not None else ""
            return f"{_NO_SIGNER}{key}, {_CHECK_SECRET}"
        if self.claim is not None:
            name, value = self.claim
            return f'[message: "Invalid token", claim: {inspect(name)}, claim_val: {inspect(value)}]'
        return _WORDS[self.reason]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a valid token says. `text` is its claims as canonical JSON: equal claims are judged together."""

    role: str
    expires: int
    text: str = field(repr=False)
    token: str = field(repr=False, compare=False)

    def expired(self, wall: float) -> Refusal | None:
        """The refusal that these claims meet at `wall`, if any."""
        return _expiry(self.expires, wall)

    def next_check_s(self, wall: float, *, at_most: float) -> float:
        """Seconds until the server looks at the token again: at its end, or after `at_most` (realtime-facts 1.4).

        The real server counts whole seconds, so a token may live on for a fraction of one (recording p04b).
        """
        return min(at_most, max(0.0, float(self.expires - math.floor(wall))))


def clean(token: str) -> str:
    """The token URL-decoded and without any white space, as the real server takes it (realtime-facts 1.3)."""
    return "".join(unquote(token).split())


def verify(
    token: str | None,
    secret: str,
    *,
    wall: float,
    jwks: tuple[Jwk, ...] = (),
    validators: Mapping[str, Any] | None = None,
) -> Claims | Refusal:
    """The claims of a token that is good at `wall` (seconds since 1970).

    Keys see `keys.genuine` (HS512 is recorded: p04, `open_hs512`). `role` and `exp` are required; `iat` is looked at
    only for being a number. `validators` are claims that must have that value where they are present; the words
    in which the real server refuses another value were read in its source, not recorded.
    """
    if token is None:
        return Refusal(reason=Reason.MISSING)
    parts = clean(token).split(".")
    header, claims = (_json_part(part) for part in parts[:2]) if len(parts) == 3 else (None, None)
    if header is None or claims is None:
        return Refusal(reason=Reason.MALFORMED)
    try:
        signed, signature = f"{parts[0]}.{parts[1]}".encode(), from_base64url(parts[2]) or b""
        is_genuine = genuine(header, signed, signature, secret=secret, jwks=jwks)
    except NoSigner:
        key_id = header.get("kid")
        return Refusal(reason=Reason.SIGNER, key_id=key_id if isinstance(key_id, str) else None)
    if not is_genuine:
        return Refusal(reason=Reason.SIGNATURE)
    return _accept(clean(token), claims, wall, validators or {})


def signed_with(secret: str, token: str, *, wall: float) -> bool:
    """Whether a token is signed with `secret` and not expired; its claims do not matter (the admin API)."""
    verdict = verify(token, secret, wall=wall)
    return isinstance(verdict, Claims) or verdict.reason is Reason.NO_ROLE_OR_EXP


def _accept(token: str, claims: Mapping[str, Any], wall: float, validators: Mapping[str, Any]) -> Claims | Refusal:
    if any(name in claims and not _is_number(claims[name]) for name in ("exp", "iat")):
        return Refusal(reason=Reason.INVALID_TIME)
    expires = min(_LATEST, _rounded(claims["exp"])) if "exp" in claims else None
    expiry = _expiry(expires, wall) if expires is not None else None
    if expiry is not None:
        return expiry
    for name, expected in validators.items():
        if name in claims and claims[name] != expected:
            return Refusal(reason=Reason.OTHER_CLAIM, claim=(name, claims[name]))
    if expires is None or "role" not in claims:
        return Refusal(reason=Reason.NO_ROLE_OR_EXP)
    role = claims["role"]
    text = json.dumps(claims, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Claims(role=role if isinstance(role, str) else json.dumps(role), expires=expires, text=text, token=token)


def _expiry(expires: int, wall: float) -> Refusal | None:
    now = math.floor(wall)
    return Refusal(reason=Reason.EXPIRED, age_s=now - expires) if expires <= now else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rounded(number: float) -> int:
    return number if isinstance(number, int) else math.floor(number + 0.5)


def _json_part(part: str) -> dict[str, Any] | None:
    """An object in one part of a token; what PostgreSQL could not read as JSON is none."""
    data = from_base64url(part)
    try:
        value = None if data is None else json.loads(data, parse_constant=_refuse, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is too large")
    return number
