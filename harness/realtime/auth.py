"""Who asks: a token becomes claims, or a refusal with the words of the real server.

The same refusal is worded in three ways: when the socket is opened, when a channel is joined and when a joined
channel is given a new token (realtime-facts 1.3, 1.4, 3.3; recordings p04 and p04b).
"""

import base64
import binascii
import hashlib
import hmac
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

_DIGESTS: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
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
    Reason.NO_ROLE_OR_EXP: "InvalidJWTToken",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A token that is not accepted. `age_s` is for how long it has been expired, `key_id` the header's `kid`."""

    reason: Reason
    age_s: int = 0
    key_id: str | None = None

    def at_connect(self) -> tuple[int, str]:
        """HTTP status and text for the upgrade."""
        if self.reason is Reason.INVALID_TIME:
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
        """Seconds until the server looks at the token again: at its end, or after `at_most` (realtime-facts 1.4)."""
        return min(at_most, max(0.0, self.expires - wall))


def clean(token: str) -> str:
    """The token without any white space, as the real server takes it."""
    return "".join(token.split())


def verify(token: str | None, secret: str, *, wall: float) -> Claims | Refusal:
    """The claims of a token that is good at `wall` (seconds since 1970).

    HS256, HS384 and HS512 with the tenant's secret are accepted (recorded: p04, `open_hs512`); every other
    algorithm is refused as by a tenant without key set. `role` and `exp` are required; no other claim is looked
    at, `iat` only for being a number.
    """
    if token is None:
        return Refusal(reason=Reason.MISSING)
    parts = clean(token).split(".")
    header, claims = (_json_part(part) for part in parts[:2]) if len(parts) == 3 else (None, None)
    if header is None or claims is None or "alg" not in header:
        return Refusal(reason=Reason.MALFORMED)
    digest = _DIGESTS.get(header["alg"]) if isinstance(header["alg"], str) else None
    if digest is None:
        key_id = header.get("kid")
        return Refusal(reason=Reason.SIGNER, key_id=key_id if isinstance(key_id, str) else None)
    expected = hmac.new(secret.encode(), f"{parts[0]}.{parts[1]}".encode(), digest).digest()
    if not hmac.compare_digest(expected, _bytes_part(parts[2]) or b""):
        return Refusal(reason=Reason.SIGNATURE)
    return _accept(clean(token), claims, wall)


def _accept(token: str, claims: Mapping[str, Any], wall: float) -> Claims | Refusal:
    if any(name in claims and not _is_number(claims[name]) for name in ("exp", "iat")):
        return Refusal(reason=Reason.INVALID_TIME)
    expires = math.floor(claims["exp"] + 0.5) if "exp" in claims else None
    expiry = _expiry(expires, wall) if expires is not None else None
    if expiry is not None:
        return expiry
    if expires is None or "role" not in claims:
        return Refusal(reason=Reason.NO_ROLE_OR_EXP)
    role = claims["role"]
    text = json.dumps(claims, sort_keys=True, separators=(",", ":"))
    return Claims(role=role if isinstance(role, str) else json.dumps(role), expires=expires, text=text, token=token)


def _expiry(expires: int, wall: float) -> Refusal | None:
    now = math.floor(wall)
    return Refusal(reason=Reason.EXPIRED, age_s=now - expires) if expires <= now else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _bytes_part(part: str) -> bytes | None:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def _json_part(part: str) -> dict[str, Any] | None:
    data = _bytes_part(part)
    try:
        value = None if data is None else json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
