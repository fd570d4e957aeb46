"""No token makes the check raise, and none is good that its key did not sign."""

import base64
import hashlib
import hmac
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.realtime.auth import Claims, verify

SECRET = "super-secret-jwt-token-with-at-least-32-characters-long"
NOW = 1_795_486_984.5
JWKS = (
    {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"},
    {"kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB"},
    {"kty": "EC", "kid": "ec", "crv": "P-256", "x": "AA", "y": "AA"},
    {"kty": "OKP", "kid": "okp", "crv": "Ed25519", "x": "AA"},
)
TEXTS = st.text(st.characters(codec=None), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=5
)
ALGORITHMS = st.sampled_from(["HS256", "HS384", "HS512", "RS256", "RS512", "ES256", "ES384", "EdDSA", "none", "PS256"])
HEADERS = JSON | st.fixed_dictionaries(
    {"alg": ALGORITHMS | JSON}, optional={"kid": st.sampled_from(["shared", "rsa", "ec", "okp", "x"]) | JSON}
)
CLAIMS = JSON | st.fixed_dictionaries(
    {}, optional={"role": st.just("anon") | JSON, "exp": st.just(2_000_000_000) | JSON, "iat": JSON, "sub": JSON}
)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def verified(token: str) -> object:
    return verify(token, SECRET, wall=NOW, jwks=JWKS, validators={"iss": "us"})


@settings(max_examples=500)
@given(token=TEXTS | st.lists(TEXTS, min_size=3, max_size=3).map(".".join))
def test_no_text_is_good(token: str) -> None:
    assert not isinstance(verified(token), Claims)


@settings(max_examples=1000)
@given(header=HEADERS, claims=CLAIMS, signature=st.binary(max_size=80))
def test_no_token_is_good_that_nobody_signed(header: Any, claims: Any, signature: bytes) -> None:
    token = f"{part(header)}.{part(claims)}.{base64.urlsafe_b64encode(signature).decode()}"

    assert not isinstance(verified(token), Claims)


@settings(max_examples=500)
@given(claims=CLAIMS)
def test_a_signed_token_is_good_or_refused_for_its_claims(claims: Any) -> None:
    signed = f"{part({'alg': 'HS256'})}.{part(claims)}"
    signature = hmac.digest(SECRET.encode(), signed.encode(), hashlib.sha256)
    token = f"{signed}.{base64.urlsafe_b64encode(signature).decode()}"

    verdict = verified(token)

    if isinstance(verdict, Claims):
        assert json.loads(verdict.text) == claims
        assert verdict.expires > NOW
