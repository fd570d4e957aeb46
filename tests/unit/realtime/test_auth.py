import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from harness.realtime.auth import Claims, Reason, Refusal, signed_with, verify

SECRET = "super-secret-jwt-token-with-at-least-32-characters-long"
NOW = 1_795_486_984.5
DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def a_token(claims: Any, *, secret: str = SECRET, header: dict[str, Any] | None = None) -> str:
    header = header or {"alg": "HS256", "typ": "JWT"}
    signed = ".".join(_part(json.dumps(part).encode()) for part in (header, claims))
    digest = DIGESTS.get(str(header["alg"]), "sha256")
    return f"{signed}.{_part(hmac.new(secret.encode(), signed.encode(), getattr(hashlib, digest)).digest())}"


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def verified(token: str | None) -> Claims | Refusal:
    return verify(token, SECRET, wall=NOW)


def test_a_good_token_becomes_claims() -> None:
    token = a_token({"sub": "u", "role": "anon", "exp": 1_795_490_584})

    assert verified(token) == Claims(
        role="anon", expires=1_795_490_584, text='{"exp":1795490584,"role":"anon","sub":"u"}', token=token
    )


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_every_length_of_hmac_is_accepted(algorithm: str) -> None:
    token = a_token({"role": "anon", "exp": NOW + 100}, header={"alg": algorithm})

    assert isinstance(verified(token), Claims)


def test_white_space_in_a_token_is_taken_out() -> None:
    token = a_token({"role": "anon", "exp": NOW + 100})

    claims = verified(f" {token[:20]}\n{token[20:]} ")

    assert isinstance(claims, Claims)
    assert claims.token == token


def test_the_token_is_in_no_printed_form() -> None:
    token = a_token({"role": "anon", "exp": NOW + 100, "sub": "whoever"})

    assert token not in repr(verified(token))
    assert "whoever" not in repr(verified(token))


@pytest.mark.parametrize(
    ("token", "status", "at_connect", "at_join", "at_refresh"),
    [
        (None, 401, "API key is missing", None, None),
        ("", 401, "The token provided is not a valid JWT", "MalformedJWT: {}", "{}"),
        ("garbage", 401, "The token provided is not a valid JWT", "MalformedJWT: {}", "{}"),
        ("a.b.c", 401, "The token provided is not a valid JWT", "MalformedJWT: {}", "{}"),
        ("sb_publishable_abc", 401, "The token provided is not a valid JWT", "MalformedJWT: {}", "{}"),
        ("é.ü.ß", 401, "The token provided is not a valid JWT", "MalformedJWT: {}", "{}"),
        (
            a_token({"role": "anon", "exp": NOW + 9}, secret="another"),
            401,
            "Failed to validate JWT signature",
            "JwtSignatureError: {}",
            ":signature_error",
        ),
        (
            a_token({"exp": NOW + 9}),
            401,
            "Fields `role` and `exp` are required in JWT",
            "InvalidJWTToken: {}",
            "{}",
        ),
        (a_token({"role": "anon"}), 401, "Fields `role` and `exp` are required in JWT", "InvalidJWTToken: {}", "{}"),
        (
            a_token({"role": "anon", "exp": int(NOW) - 10}),
            401,
            "Token has expired",
            "InvalidJWTToken: Token has expired 10 seconds ago",
            "Token has expired 10 seconds ago",
        ),
        (
            a_token({"role": "anon", "exp": str(NOW + 9)}),
            500,
            "Error connecting to Realtime",
            "InvalidJWTToken: Token expiration time is invalid",
            "Token expiration time is invalid",
        ),
        (
            a_token({"role": "anon", "exp": True}),
            500,
            "Error connecting to Realtime",
            "InvalidJWTToken: Token expiration time is invalid",
            "Token expiration time is invalid",
        ),
        (
            a_token({"role": "anon", "exp": NOW + 9}, header={"alg": "none"}).rpartition(".")[0] + ".",
            401,
            "Failed to generate JWT signer, check your JWT secret or JWKS configuration",
            "JwtSignerError: {}",
            "{}",
        ),
        (
            a_token({"role": "anon", "exp": NOW + 9}, header={"alg": "RS256", "kid": "k"}),
            401,
            'Failed to generate JWT signer for key ID (kid) "k", check your JWT secret or JWKS configuration',
            "JwtSignerError: {}",
            "{}",
        ),
    ],
)
def test_a_bad_token_is_refused_with_the_real_words(
    token: str | None, status: int, at_connect: str, at_join: str | None, at_refresh: str | None
) -> None:
    refusal = verified(token)

    assert isinstance(refusal, Refusal)
    assert refusal.at_connect() == (status, at_connect)
    if at_join is not None and at_refresh is not None:
        assert refusal.at_join() == at_join.format(at_connect)
        assert refusal.at_refresh() == at_refresh.format(at_connect)


def test_a_token_ends_in_the_second_that_it_names() -> None:
    claims = verified(a_token({"role": "anon", "exp": NOW + 4.0}))

    assert isinstance(claims, Claims)
    assert claims.expires == 1_795_486_989
    assert claims.expired(1_795_486_988.9) is None
    assert claims.expired(1_795_486_989.0) == Refusal(reason=Reason.EXPIRED, age_s=0)


def test_a_token_is_looked_at_again_at_its_end_or_after_five_minutes() -> None:
    claims = Claims(role="anon", expires=1000, text="{}", token="t")

    assert claims.next_check_s(996.7, at_most=300.0) == 4.0
    assert claims.next_check_s(0.0, at_most=300.0) == 300.0
    assert claims.next_check_s(2000.0, at_most=300.0) == 0.0


@pytest.mark.parametrize("exp", ["1795490584", True, None, [1], {"a": 1}])
def test_an_exp_that_is_no_number_is_refused(exp: Any) -> None:
    assert verified(a_token({"role": "anon", "exp": exp})) == Refusal(reason=Reason.INVALID_TIME)


@pytest.mark.parametrize(
    "text", ['{"role":"anon","exp":NaN}', '{"role":"anon","exp":1e999}', '{"role":"\\ud800"}', "[1]"]
)
def test_claims_that_no_database_could_read_are_malformed(text: str) -> None:
    signed = f"{_part(b'{}')}.{_part(text.encode())}"

    assert verified(f"{signed}.AAAA") == Refusal(reason=Reason.MALFORMED)


@pytest.mark.parametrize("exp", [10**400, 10**17, 1e300])
def test_a_token_may_be_good_for_ever(exp: Any) -> None:
    claims = verified(a_token({"role": "anon", "exp": exp}))

    assert isinstance(claims, Claims)
    assert claims.next_check_s(NOW, at_most=300.0) == 300.0


def test_a_token_is_url_decoded() -> None:
    token = a_token({"role": "anon", "exp": NOW + 100})

    assert isinstance(verified(token.replace(".", "%2E").replace("_", "%5F") + "%20"), Claims)


@pytest.mark.parametrize("issuer", ["https://evil", 5, None])
def test_a_claim_that_is_not_as_the_validators_want_it_is_refused(issuer: Any) -> None:
    token = a_token({"role": "anon", "exp": NOW + 100, "iss": issuer})

    refusal = verify(token, SECRET, wall=NOW, validators={"iss": "https://good"})

    assert refusal == Refusal(reason=Reason.OTHER_CLAIM, claim=("iss", issuer))


def test_the_words_for_a_claim_are_those_of_elixir() -> None:
    refusal = Refusal(reason=Reason.OTHER_CLAIM, claim=("iss", "https://evil"))

    words = '[message: "Invalid token", claim: "iss", claim_val: "https://evil"]'
    assert refusal.at_connect() == (500, "Error connecting to Realtime")
    assert refusal.at_join() == f"UnknownErrorOnChannel: {words}"
    assert refusal.at_refresh() == words


@pytest.mark.parametrize("claims", [{"iss": "https://good"}, {}])
def test_a_claim_as_wanted_or_absent_is_no_reason_to_refuse(claims: dict[str, Any]) -> None:
    token = a_token({"role": "anon", "exp": NOW + 100, **claims})

    assert isinstance(verify(token, SECRET, wall=NOW, validators={"iss": "https://good"}), Claims)


@pytest.mark.parametrize("claims", [{}, {"role": "x"}, {"exp": NOW + 9}, {"role": "x", "exp": NOW + 9}])
def test_any_claims_will_do_for_the_admin_api(claims: dict[str, Any]) -> None:
    assert signed_with(SECRET, a_token(claims), wall=NOW)


@pytest.mark.parametrize(
    "token", ["", "garbage", a_token({}, secret="another"), a_token({"exp": NOW - 9}), a_token({"exp": "x"})]
)
def test_a_token_of_somebody_else_will_not_do_for_the_admin_api(token: str) -> None:
    assert not signed_with(SECRET, token, wall=NOW)
