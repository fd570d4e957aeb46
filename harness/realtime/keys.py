"""The keys with which a tenant's tokens are signed: a shared secret, and JSON web keys (realtime-facts 1.3).

Which key a token gets is decided by the algorithm and `kid` of its header: HS* is only ever checked with a shared
secret, RS*, ES* and EdDSA only with a JWK of that family, so that a public key never serves as a secret. Signatures
are verified by PyJWT and cryptography, which are loaded when the first token needs them.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from harness.errors import UsageError

Jwk = Mapping[str, Any]

_DIGESTS: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
_FAMILIES: Final[Mapping[str, tuple[str, frozenset[str | None]]]] = {
    "RS256": ("RSA", frozenset({None})),
    "RS384": ("RSA", frozenset({None})),
    "RS512": ("RSA", frozenset({None})),
    "ES256": ("EC", frozenset({"P-256"})),
    "ES384": ("EC", frozenset({"P-384"})),
    "ES512": ("EC", frozenset({"P-521"})),
    "EdDSA": ("OKP", frozenset({"Ed25519", "Ed448"})),
}
_PUBLIC: Final = ("kty", "crv", "n", "e", "x", "y")
_REMEMBERED: Final = 64


class NoSigner(Exception):
    """No key of the tenant fits the header of the token."""


def genuine(header: Mapping[str, Any], signed: bytes, signature: bytes, *, secret: str, jwks: tuple[Jwk, ...]) -> bool:
    """Whether `signature` was made over `signed` with the key that `header` names.

    Raises `NoSigner` when there is no such key; so for `none` and every unknown algorithm.
    """
    algorithm, key_id = header.get("alg"), header.get("kid")
    if isinstance(algorithm, str) and algorithm in _DIGESTS:
        expected = hmac.new(_shared(key_id, secret, jwks), signed, _DIGESTS[algorithm]).digest()
        return hmac.compare_digest(expected, signature)
    if isinstance(algorithm, str) and algorithm in _FAMILIES:
        return _verify(algorithm, _public(algorithm, key_id, jwks), signed, signature)
    raise NoSigner


def parse_jwks(text: str) -> tuple[Jwk, ...]:
    """The keys of a JWKS document (`API_JWT_JWKS`); `UsageError` when it is none. An empty text has no keys."""
    if not text.strip():
        return ()
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UsageError(f"a key set is JSON, and this is none: {error}") from error
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not all(isinstance(each, dict) for each in keys):
        raise UsageError('a key set is an object with a list of JSON web keys: {"keys": [ … ]}')
    return tuple(keys)


def from_base64url(text: str) -> bytes | None:
    """The bytes in a text of the URL alphabet, with or without padding; None when it is no such text."""
    if "+" in text or "/" in text:
        return None
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def _shared(key_id: Any, secret: str, jwks: tuple[Jwk, ...]) -> bytes:
    """The `oct` key of that `kid`, else the tenant's secret: Supabase signs with it under a `kid` of its own."""
    jwk = _named(key_id, "oct", jwks)
    if jwk is None or not isinstance(jwk.get("k"), str):
        return secret.encode()
    key = from_base64url(jwk["k"])
    if key is None:
        raise NoSigner
    return key


def _public(algorithm: str, key_id: Any, jwks: tuple[Jwk, ...]) -> str:
    """The public part of the JWK of that `kid` and of the algorithm's family, as JSON."""
    family, curves = _FAMILIES[algorithm]
    jwk = _named(key_id, family, jwks)
    if jwk is None or jwk.get("crv") not in curves:
        raise NoSigner
    return json.dumps({name: jwk[name] for name in _PUBLIC if isinstance(jwk.get(name), str)})


def _named(key_id: Any, family: str, jwks: tuple[Jwk, ...]) -> Jwk | None:
    if not isinstance(key_id, str):
        return None
    return next((jwk for jwk in jwks if jwk.get("kty") == family and jwk.get("kid") == key_id), None)


def _verify(algorithm: str, jwk: str, signed: bytes, signature: bytes) -> bool:
    verifier, key = _load(algorithm, jwk)
    return bool(verifier.verify(signed, key, signature))


@lru_cache(maxsize=_REMEMBERED)
def _load(algorithm: str, jwk: str) -> tuple[Any, Any]:
    """A verifier and its key, remembered because loading costs more than verifying. A JWK with nonsense is no key."""
    from jwt.algorithms import get_default_algorithms
    from jwt.exceptions import PyJWTError

    verifier: Any = get_default_algorithms()[algorithm]
    try:
        return verifier, verifier.from_jwk(jwk)
    except (PyJWTError, ValueError) as error:
        raise NoSigner from error
