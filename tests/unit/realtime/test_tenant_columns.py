from dataclasses import replace
from typing import Any

import pytest

from harness.realtime.plans import Limits
from harness.realtime.tenant import Tenant
from harness.realtime.tenant_columns import altered, disconnects, shown

TENANT = Tenant(jwt_secret="hush")


def test_a_tenant_is_shown_without_its_secrets() -> None:
    tenant = replace(TENANT, jwks=({"kty": "oct", "k": "whisper"},), limits=Limits(max_joins_per_second=7))

    columns = shown(tenant, "realtime-dev")

    assert columns == {
        "external_id": "realtime-dev",
        "name": "realtime-dev",
        "max_concurrent_users": 200,
        "max_events_per_second": 100,
        "max_joins_per_second": 7,
        "max_channels_per_client": 100,
        "max_presence_events_per_second": 1000,
        "max_client_presence_events_per_window": 5,
        "client_presence_window_ms": 30_000,
        "max_payload_size_in_kb": 3000,
        "max_bytes_per_second": 100_000,
        "private_only": False,
        "suspend": False,
        "presence_enabled": False,
    }


def test_the_recorded_changes_of_limits_are_taken() -> None:
    """Recording p09, `ctl`."""
    limits = {"max_events_per_second": 20, "max_joins_per_second": "100000"}

    tenant = altered(TENANT, {**limits, "unheard_of": 5})

    assert tenant == replace(TENANT, limits=Limits(max_events_per_second=20, max_joins_per_second=100_000))


def test_secrets_and_switches_are_taken() -> None:
    key = {"kty": "oct", "kid": "1", "k": "AA"}

    tenant = altered(
        TENANT,
        {"jwt_secret": "other", "jwt_jwks": {"keys": [key]}, "suspend": "true", "private_only": True, "name": "n"},
    )

    assert tenant == replace(TENANT, jwt_secret="other", jwks=(key,), suspended=True, private_only=True, name="n")


def test_a_key_set_can_be_taken_away() -> None:
    assert altered(replace(TENANT, jwks=({"kty": "oct"},)), {"jwt_jwks": None}) == TENANT


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("max_events_per_second", "many"),
        ("max_events_per_second", None),
        ("max_events_per_second", True),
        ("max_events_per_second", -1),
        ("max_events_per_second", 1.5),
        ("max_events_per_second", [1]),
        ("suspend", "maybe"),
        ("suspend", 1),
        ("suspend", []),
        ("jwt_secret", ""),
        ("jwt_secret", None),
        ("name", 5),
        ("jwt_jwks", "x"),
        ("jwt_jwks", {"keys": [5]}),
        ("jwt_jwks", {}),
    ],
)
def test_a_value_of_the_wrong_kind_changes_nothing(column: str, value: Any) -> None:
    assert altered(TENANT, {column: value, "private_only": True}) == {column: ["is invalid"]}


@pytest.mark.parametrize(
    "change", [{"jwt_secret": "x"}, {"jwks": ({"kty": "oct"},)}, {"private_only": True}, {"suspended": True}]
)
def test_changes_of_who_may_come_in_end_every_socket(change: dict[str, Any]) -> None:
    assert disconnects(TENANT, replace(TENANT, **change))


def test_a_change_of_limits_leaves_sockets_alone() -> None:
    assert not disconnects(TENANT, replace(TENANT, limits=Limits(max_joins_per_second=1)))
