"""Keys and tokens are made by PyJWT and cryptography, which the code under test only verifies with."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

from harness.errors import UsageError
from harness.realtime.auth import Claims, Reason, Refusal, verify
from harness.realtime.keys import from_base64url, parse_jwks

SECRET = "super-secret-jwt-token-with-at-least-32-characters-long"
OCT = b"another-secret-of-at-least-32-characters-as-a-jwk"
CLAIMS = {"role": "anon", "exp": 2_000_000_000}
NOW = 1_795_486_984.5

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
P256, P384, P521 = (ec.generate_private_key(curve()) for curve in (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1))
ED25519, ED448 = ed25519.Ed25519PrivateKey.generate(), ed448.Ed448PrivateKey.generate()
PRIVATE: Mapping[str, Any] = {
    "RS256": RSA,
    "RS384": RSA,
    "RS512": RSA,
    "ES256": P256,
    "ES384": P384,
    "ES512": P521,
}


def jwk(algorithm: str, private: Any, key_id: str) -> dict[str, Any]:
    verifier: Any = get_default_algorithms()[algorithm]
    return {**json.loads(verifier.to_jwk(private.public_key())), "kid": key_id, "alg": algorithm}


JWKS = (
    *(jwk(algorithm, private, algorithm) for algorithm, private in PRIVATE.items()),
    jwk("EdDSA", ED25519, "Ed25519"),
    jwk("EdDSA", ED448, "Ed448"),
    {"kty": "oct", "kid": "shared", "k": base64.urlsafe_b64encode(OCT).rstrip(b"=").decode()},
    {"kty": "oct", "kid": "spoilt", "k": "+"},
    {"kty": "RSA", "kid": "nonsense", "n": "AQAB", "e": 7},
)


def a_token(key: Any, algorithm: str, key_id: Any = None) -> str:
    return jwt.encode(CLAIMS, key, algorithm=algorithm, headers={} if key_id is None else {"kid": key_id})


def verified(token: str) -> Claims | Refusal:
    return verify(token, SECRET, wall=NOW, jwks=JWKS)


@pytest.mark.parametrize("algorithm", PRIVATE)
def test_a_token_of_each_asymmetric_algorithm_is_accepted(algorithm: str) -> None:
    assert isinstance(verified(a_token(PRIVATE[algorithm], algorithm, algorithm)), Claims)


@pytest.mark.parametrize(("curve", "private"), [("Ed25519", ED25519), ("Ed448", ED448)])
def test_a_token_of_each_edwards_curve_is_accepted(curve: str, private: Any) -> None:
    assert isinstance(verified(a_token(private, "EdDSA", curve)), Claims)


@pytest.mark.parametrize(
    ("key", "algorithm", "key_id"),
    [
        (rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256", "RS256"),
        (ec.generate_private_key(ec.SECP256R1()), "ES256", "ES256"),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA", "Ed25519"),
        (SECRET, "HS256", "shared"),
        (OCT, "HS256", "unknown"),
        (OCT, "HS256", None),
    ],
)
def test_a_token_of_another_key_is_refused(key: Any, algorithm: str, key_id: str | None) -> None:
    assert verified(a_token(key, algorithm, key_id)) == Refusal(reason=Reason.SIGNATURE)


@pytest.mark.parametrize(("key", "key_id"), [(OCT, "shared"), (SECRET, "unknown"), (SECRET, None), (SECRET, "RS256")])
def test_a_shared_secret_is_that_of_the_kid_or_the_tenants(key: Any, key_id: str | None) -> None:
    assert isinstance(verified(a_token(key, "HS256", key_id)), Claims)


@pytest.mark.parametrize(
    ("key", "algorithm", "key_id"),
    [
        (RSA, "RS256", "unknown"),
        (RSA, "RS256", "ES256"),
        (RSA, "RS256", "nonsense"),
        (RSA, "PS256", "RS256"),
        (P256, "ES256", "ES384"),
        (ED25519, "EdDSA", "RS256"),
        (SECRET, "HS256", "spoilt"),
        (None, "none", "RS256"),
    ],
)
def test_without_a_fitting_key_the_kid_is_named(key: Any, algorithm: str, key_id: str) -> None:
    refusal = verified(a_token(key, algorithm, key_id))

    words = f'Failed to generate JWT signer for key ID (kid) "{key_id}", check your JWT secret or JWKS configuration'
    assert isinstance(refusal, Refusal)
    assert refusal.at_connect() == (401, words)
    assert refusal.at_join() == f"JwtSignerError: {words}"


@pytest.mark.parametrize("key_id", [None, "RS256"])
def test_a_public_key_never_serves_as_a_shared_secret(key_id: str | None) -> None:
    """The classic confusion: HS256 over the public key that everybody can read."""
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (public, json.dumps(JWKS[0]).encode(), RSA.public_key().public_numbers().n.to_bytes(256, "big")):
        token = _hmac_token(secret, key_id)

        assert verified(token) == Refusal(reason=Reason.SIGNATURE)


@pytest.mark.parametrize("key_id", [None, 5, ["RS256"], {"kid": "RS256"}])
def test_an_asymmetric_token_needs_a_kid_that_is_a_string(key_id: Any) -> None:
    header = {"alg": "RS256"} if key_id is None else {"alg": "RS256", "kid": key_id}
    signed = ".".join(_part(each) for each in (header, CLAIMS))

    refusal = verified(f"{signed}.AAAA")

    assert refusal == Refusal(reason=Reason.SIGNER)
    assert isinstance(refusal, Refusal)
    assert refusal.at_connect()[1] == "Failed to generate JWT signer, check your JWT secret or JWKS configuration"


@pytest.mark.parametrize("algorithm", [None, 5, ["HS256"], {}, "hs256", "HS1", "ES256K"])
def test_an_algorithm_that_is_none_of_ours_has_no_signer(algorithm: Any) -> None:
    signed = ".".join(_part(each) for each in ({"alg": algorithm}, CLAIMS))

    assert verified(f"{signed}.") == Refusal(reason=Reason.SIGNER)


def test_a_key_set_may_hold_private_keys() -> None:
    whole: Any = get_default_algorithms()["ES256"]
    private = {**json.loads(whole.to_jwk(P256)), "kid": "private"}

    assert isinstance(verify(a_token(P256, "ES256", "private"), SECRET, wall=NOW, jwks=(private,)), Claims)


def test_a_key_set_is_read_from_its_document() -> None:
    assert parse_jwks('{"keys": [{"kty": "oct"}]}') == ({"kty": "oct"},)
    assert parse_jwks(" ") == ()


@pytest.mark.parametrize("text", ["hello", "[]", '{"keys": 5}', '{"keys": [5]}', "{}"])
def test_a_text_that_is_no_key_set_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="key set"):
        parse_jwks(text)


@pytest.mark.parametrize("text", ["a+b=", "a/bc", "a", "é", "YQ==="])
def test_what_is_no_base64url_is_none(text: str) -> None:
    assert from_base64url(text) is None


def _hmac_token(secret: bytes, key_id: str | None) -> str:
    import hmac

    header = {"alg": "HS256"} if key_id is None else {"alg": "HS256", "kid": key_id}
    signed = ".".join(_part(each) for each in (header, CLAIMS))
    return f"{signed}.{base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), 'sha256')).rstrip(b'=').decode()}"


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
