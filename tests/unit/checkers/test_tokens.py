from typing import Any

import pytest

from harness.checkers import Finding, Tokens, Valid, Verdict
from harness.history import Op
from harness.history.op import Type
from tests.histories.literal import a_history, an_op, subscribed

NOW = 1_800_000_000.0
EXPIRED = "InvalidJWTToken: Token has expired 8 seconds ago"


def joined(
    link: str = "reader",
    *,
    at: float = 5.0,
    type: Type = "ok",
    error: str | None = None,
    role: str | None = "authenticated",
    expires: float | None = NOW + 60,
) -> Op:
    token = {"role": role, "expires": expires, "wall": NOW}
    return an_op("realtime", "join", at=at, type=type, error=error, link=link, topic="realtime:t", **token)


def kinds(*ops: Op) -> list[str]:
    return [finding.what for finding in Tokens().check(a_history(*ops)).findings]


def test_a_token_that_had_ended_is_convicted() -> None:
    history = a_history(joined(), joined(expires=NOW - 3))

    verdict = Tokens().check(history)

    assert verdict == Verdict.invalid(
        Finding(
            "token_expired",
            (history[1],),
            {
                "reader": "reader",
                "topic": "realtime:t",
                "role": "authenticated",
                "expires": NOW - 3,
                "wall": NOW,
                "error": None,
            },
        )
    )
    assert verdict.looked_at == 2


@pytest.mark.parametrize(
    ("expires", "expected"), [(None, []), (NOW + 0.001, []), (NOW, ["token_expired"]), (NOW - 1, ["token_expired"])]
)
def test_a_token_must_end_later_than_now(expires: float | None, expected: list[str]) -> None:
    assert kinds(joined(expires=expires)) == expected


@pytest.mark.parametrize(
    "error",
    [
        EXPIRED,
        "MalformedJWT: The token provided is not a valid JWT",
        "JwtSignatureError: Failed to validate JWT signature",
        "InvalidJWTToken: Fields `role` and `exp` are required in JWT",
        'UnknownErrorOnChannel: [message: "Invalid token", claim: "iss", claim_val: "x"]',
    ],
)
def test_a_join_that_was_refused_for_its_token_is_convicted(error: str) -> None:
    verdict = Tokens().check(a_history(joined(type="fail", error=error, role=None, expires=None)))

    assert [finding.what for finding in verdict.findings] == ["token_refused"]
    assert verdict.looked_at == 1


def test_a_join_that_was_refused_for_something_else_is_not_looked_at() -> None:
    other = joined(type="fail", error="ChannelRateLimitReached: Too many channels", role=None, expires=None)

    assert Tokens().check(a_history(other)).valid is Valid.UNKNOWN
    assert kinds(subscribed("reader", at=0.0), joined(type="fail", error="Unauthorized", role="anon")) == []


@pytest.mark.parametrize(
    ("role", "expected"), [("anon", ["joined_as_anon"]), ("authenticated", []), ("service_role", [])]
)
def test_a_user_who_is_signed_in_must_not_join_as_anybody(role: str, expected: list[str]) -> None:
    assert kinds(subscribed("reader", at=0.0), joined(role=role)) == expected


def test_a_listener_that_says_who_it_is_must_be_so() -> None:
    listens: dict[str, Any] = {"topic": "t", "user_id": "u"}

    assert kinds(an_op("ear", "listen", role="authenticated", **listens), joined("ear", role="anon")) == [
        "joined_as_anon"
    ]
    assert kinds(an_op("ear", "listen", role="anon", **listens), joined("ear", role="anon")) == []


def test_before_the_session_is_loaded_a_page_may_join_as_anybody_and_for_a_moment_after() -> None:
    signs_in = an_op("reader", "sign_in", at=10.0, process_id="p1")
    joins = {at: joined(at=at, role="anon") for at in (5.0, 10.9, 11.5)}

    def wrong(at: float) -> list[str]:
        return kinds(subscribed("reader", at=0.0), *sorted([signs_in, joins[at]], key=lambda op: op.time))

    assert {at: wrong(at) for at in joins} == {5.0: [], 10.9: [], 11.5: ["joined_as_anon"]}


def test_a_link_that_nobody_named_may_be_anybody() -> None:
    assert kinds(subscribed("reader", at=0.0), joined("socket-1", role="anon")) == []


def test_without_a_server_that_tells_refusals_convict_and_nothing_acquits() -> None:
    refused = an_op("reader", "join", type="fail", error=EXPIRED, topic="t")
    history = a_history(refused)

    assert Tokens().check(history) == Verdict.invalid(
        Finding("token_refused", history[0:1], {"reader": "reader", "topic": "t", "error": EXPIRED})
    )
    assert Tokens().check(a_history(an_op("reader", "join", topic="t"))).valid is Valid.UNKNOWN


def test_a_refusal_is_told_once_where_the_server_tells_it() -> None:
    refused = an_op("reader", "join", type="fail", error=EXPIRED, topic="t")

    assert kinds(joined(type="fail", error=EXPIRED), refused) == ["token_refused"]


def test_an_empty_history_is_unknown() -> None:
    assert Tokens().check(a_history()).valid is Valid.UNKNOWN
