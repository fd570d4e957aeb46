"""Tokens made anew: good ones good, broken ones broken in the same way."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest

from harness.fidelity.minting import Mint
from harness.tokens import DEVELOPMENT_SECRET

OURS = "another-secret-that-is-long-enough-for-hmac-512-bits-and-then-some-more"
RECORDED = 1_795_486_984.0
NOW = 2_000_000_000.75
ROLE = {"role": "anon", "iat": int(RECORDED), "exp": int(RECORDED) + 3600}


def renewed(token: str, *, used: float = RECORDED + 0.4, now: float = NOW) -> str:
    return Mint(secret=OURS).renew(token, recorded=used, now=now)


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def signed(claims: dict[str, Any], *, secret: str = DEVELOPMENT_SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, secret, algorithm=algorithm)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_good_token_is_good_again_for_the_new_secret(algorithm: str) -> None:
    token = _signed_by_hand({"alg": algorithm, "typ": "JWT"}, ROLE)

    claims = jwt.decode(
        renewed(token), OURS, algorithms=[algorithm], options={"verify_exp": False, "verify_iat": False}
    )

    assert claims == {"role": "anon", "iat": int(NOW), "exp": int(NOW) + 3600}


def test_an_expired_token_is_expired_for_as_long() -> None:
    token = signed({**ROLE, "exp": int(RECORDED) - 10})

    assert claims_of(renewed(token))["exp"] == int(NOW) - 10


def test_a_wrong_signature_is_wrong_again() -> None:
    token = signed(ROLE, secret="not the secret of the tenant, but as long")

    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(renewed(token), OURS, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False})


def test_a_token_without_signature_stays_without() -> None:
    token = _unsigned({"alg": "none", "typ": "JWT"}, ROLE)

    head, _, signature = renewed(token).split(".")

    assert (head, signature) == (token.split(".")[0], "")


def test_missing_claims_stay_missing() -> None:
    assert claims_of(renewed(signed({"iat": int(RECORDED)}))) == {"iat": int(NOW)}


def test_an_exp_that_is_text_stays_text() -> None:
    token = signed({"role": "anon", "iat": 1, "exp": int(RECORDED) + 1000})
    as_text = _signed_by_hand({"alg": "HS256", "typ": "JWT"}, {**claims_of(token), "exp": str(int(RECORDED) + 1000)})

    assert claims_of(renewed(as_text)) == {"role": "anon", "iat": 1, "exp": str(int(NOW) + 1000)}


def test_a_fractional_exp_keeps_its_fraction() -> None:
    token = _signed_by_hand({"alg": "HS256", "typ": "JWT"}, {"role": "anon", "iat": 1, "exp": RECORDED + 1000.25})

    assert claims_of(renewed(token))["exp"] == int(NOW) + 1000.25


def test_a_token_minted_long_before_its_use_has_the_same_age() -> None:
    token = signed(ROLE)

    assert claims_of(renewed(token, used=RECORDED + 100.0))["iat"] == int(NOW) - 100


def test_the_same_token_becomes_the_same_token() -> None:
    mint, token = Mint(secret=OURS), signed(ROLE)

    first = mint.renew(token, recorded=RECORDED, now=NOW)
    later = mint.renew(f"Bearer {token}", recorded=RECORDED + 50, now=NOW + 50)

    assert later == f"Bearer {first}"


@pytest.mark.parametrize("text", ["garbage", "a.b.c", "", "sb_publishable_abc", "eyJhbGciOiJIUzI1NiJ9.eyJub3Q.x"])
def test_what_is_no_token_is_left_alone(text: str) -> None:
    assert renewed(text) == text


def test_the_time_since_when_broadcasts_are_replayed_moves_with_the_play() -> None:
    frame = '{"replay": {"since": 1795486974000, "limit": 5}}'

    moved = renewed(frame, used=RECORDED, now=RECORDED + 60.0)

    assert moved == '{"replay": {"since": 1795487034000, "limit": 5}}'


def test_tokens_are_found_inside_a_frame() -> None:
    frame = json.dumps(["1", "1", "realtime:x", "phx_join", {"access_token": signed(ROLE), "n": 1}])

    renewed_frame = json.loads(renewed(frame))

    assert claims_of(renewed_frame[4]["access_token"])["iat"] == int(NOW)
    assert renewed_frame[:4] == ["1", "1", "realtime:x", "phx_join"]


def _unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = (json.dumps(part, separators=(",", ":")).encode() for part in (header, claims))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def _signed_by_hand(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """As PyJWT would, which refuses to write an `exp` that is no number or to use a short key."""
    body = _unsigned(header, claims).rstrip(".")
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[header["alg"]]
    signature = hmac.new(DEVELOPMENT_SECRET.encode(), body.encode(), digest).digest()
    return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_the_time_from_when_on_broadcasts_are_replayed_moves_along() -> None:
    join = '{"replay": {"since": 1795499934862, "limit": 3}}'

    moved = Mint(secret=OURS).renew(join, recorded=RECORDED, now=RECORDED + 1.5)

    assert moved == '{"replay": {"since": 1795499936362, "limit": 3}}'
