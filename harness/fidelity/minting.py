"""Tokens of a recording made anew for the time of a play: good ones good, broken ones broken in the same way.

Beside the straight line, between a recording and its player. A token tells itself how it was broken: its header
and claims are kept as they are, its times move, and it is signed with the right secret only if it was.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from harness.tokens import DEVELOPMENT_SECRET as RECORDED_SECRET

_TOKEN: Final = re.compile(r"eyJ[\w-]*\.eyJ[\w-]*\.[\w-]*")
_SINCE: Final = re.compile(r'(?<="since": )\d{13}(?=[,}])')
"""From when on a join wants broadcasts replayed, in ms: a time of the recording too."""
_DIGESTS: Final[Mapping[str, Callable[..., Any]]] = {
    "HS256": hashlib.sha256,
    "HS384": hashlib.sha384,
    "HS512": hashlib.sha512,
}
_TIMES: Final = ("iat", "exp", "nbf")
_REAL_TIME: Final = 1_000_000_000
"""A time claim below this (`"iat": 1`) is no time of the recording and stays."""

_FRESH_S: Final = 2.0
"""A token whose `iat` is this near to its first use was minted for it, and is again."""


@dataclass(slots=True, kw_only=True)
class Mint:
    """Replaces tokens, each always by the same one. `secret` is that of the server that will check them."""

    secret: str
    made: dict[str, str] = field(default_factory=dict)

    def renew(self, text: str, *, recorded: float, now: float) -> str:
        """`text` with new tokens, and new times from when on broadcasts are replayed, for old.

        `recorded` and `now` say when it was sent and is sent (s since 1970).
        """
        moved = _SINCE.sub(lambda found: str(int(found[0]) + int((now - recorded) * 1000)), text)
        return _TOKEN.sub(lambda found: self._renewed(found[0], recorded, now), moved)

    def _renewed(self, token: str, recorded: float, now: float) -> str:
        if token not in self.made:
            self.made[token] = _mint(token, self.secret, recorded=recorded, now=now)
        return self.made[token]


def _mint(token: str, secret: str, *, recorded: float, now: float) -> str:
    """The token anew; what is no token after all is left alone."""
    head, body, signature = token.split(".")
    header, claims = _json(head), _json(body)
    if header is None or claims is None:
        return token
    shift = _shift(claims, recorded=recorded, now=now)
    signed = f"{head}.{_encoded({name: _moved(name, value, shift) for name, value in claims.items()})}"
    digest = _DIGESTS.get(str(header.get("alg")))
    if digest is None:
        return f"{signed}.{signature}"
    key = secret if _signature(f"{head}.{body}", RECORDED_SECRET, digest) == signature else f"not {secret}"
    return f"{signed}.{_signature(signed, key, digest)}"


def _shift(claims: Mapping[str, Any], *, recorded: float, now: float) -> int:
    """Whole seconds to add. A token minted for its use is minted at `now`, so that it ages as it did then."""
    issued = claims.get("iat")
    if isinstance(issued, int) and abs(recorded - issued) <= _FRESH_S:
        return int(now) - issued
    return int(now) - int(recorded)


def _moved(name: str, value: Any, shift: int) -> Any:
    if name not in _TIMES or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isdigit() and int(value) > _REAL_TIME:
        return str(int(value) + shift)
    return value + shift if isinstance(value, int | float) and value > _REAL_TIME else value


def _signature(signed: str, secret: str, digest: Callable[..., Any]) -> str:
    return _base64(hmac.new(secret.encode(), signed.encode(), digest).digest())


def _encoded(claims: Mapping[str, Any]) -> str:
    return _base64(json.dumps(claims, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _json(part: str) -> dict[str, Any] | None:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        return None
    return value if isinstance(value, dict) else None
