"""The environment of the real image, as our engine takes it."""

import pytest

from harness.errors import UsageError
from harness.realtime.engine_settings import EngineSettings, engine_settings
from harness.realtime.plans import Limits
from harness.realtime.tenant import Tenant

LEAST = {"DB_HOST": "db", "DB_PASSWORD": "p@ss/word", "API_JWT_SECRET": "a secret of the tenant"}


def test_three_variables_are_enough() -> None:
    settings = engine_settings(LEAST)

    assert settings == EngineSettings(
        bind_host="127.0.0.1",
        port=4000,
        database_url="postgresql://supabase_admin:p%40ss%2Fword@db:5432/postgres",
        database="postgres at db:5432",
        slot="supabase_realtime_replication_slot",
        messages_slot="supabase_realtime_messages_replication_slot_",
        tenant=Tenant(jwt_secret="a secret of the tenant", external_id="realtime-dev", name="realtime-dev"),
    )


def test_the_variables_of_the_real_image_are_understood() -> None:
    settings = engine_settings(
        {
            **LEAST,
            "PORT": "4001",
            "DB_PORT": "6543",
            "DB_NAME": "app",
            "DB_USER": "root",
            "SELF_HOST_TENANT_NAME": "localhost",
            "SLOT_NAME_SUFFIX": "two",
            "CONNECT_ERROR_BACKOFF_MS": "0",
            "CHANNEL_ERROR_BACKOFF_MS": "250",
            "API_JWT_JWKS": '{"keys": [{"kty": "oct", "kid": "1", "k": "a2V5"}]}',
            "JWT_CLAIM_VALIDATORS": '{"iss": "us"}',
            "TENANT_MAX_CONCURRENT_USERS": "1",
            "TENANT_MAX_EVENTS_PER_SECOND": "2",
            "TENANT_MAX_JOINS_PER_SECOND": "3",
            "TENANT_MAX_CHANNELS_PER_CLIENT": "4",
            "TENANT_MAX_BYTES_PER_SECOND": "5",
            "CLIENT_PRESENCE_MAX_CALLS": "6",
            "CLIENT_PRESENCE_WINDOW_MS": "7",
            "HARNESS_BIND_HOST": "0.0.0.0",
        }
    )

    assert settings == EngineSettings(
        bind_host="0.0.0.0",
        port=4001,
        database_url="postgresql://root:p%40ss%2Fword@db:6543/app",
        database="app at db:6543",
        slot="supabase_realtime_replication_slot_two",
        messages_slot="supabase_realtime_messages_replication_slot_two",
        tenant=Tenant(
            jwt_secret="a secret of the tenant",
            jwks=({"kty": "oct", "kid": "1", "k": "a2V5"},),
            claim_validators={"iss": "us"},
            external_id="localhost",
            name="localhost",
            connect_error_backoff_s=0.0,
            channel_error_backoff_s=0.25,
            limits=Limits(
                max_concurrent_users=1,
                max_events_per_second=2,
                max_joins_per_second=3,
                max_channels_per_client=4,
                max_bytes_per_second=5,
                max_client_presence_events_per_window=6,
                client_presence_window_ms=7,
            ),
        ),
    )


def test_what_is_unknown_or_empty_is_ignored() -> None:
    variables = {**LEAST, "ERL_AFLAGS": "-proto_dist inet_tcp", "DNS_NODES": "''", "SLOT_NAME_SUFFIX": "", "PORT": " "}

    assert engine_settings(variables) == engine_settings(LEAST)


def test_every_missing_variable_is_named() -> None:
    with pytest.raises(UsageError, match="the engine needs DB_PASSWORD, API_JWT_SECRET"):
        engine_settings({"DB_HOST": "db", "API_JWT_SECRET": ""})


@pytest.mark.parametrize("text", ["-1", "4_000", "four", "4000.0", "٤"])
def test_a_port_that_is_no_number_is_named(text: str) -> None:
    with pytest.raises(UsageError, match=f"PORT is '{text}'"):
        engine_settings({**LEAST, "PORT": text})


def test_secrets_are_not_in_its_repr() -> None:
    shown = repr(engine_settings(LEAST))

    assert "word" not in shown
    assert "a secret of the tenant" not in shown


def test_keys_claims_and_limits_of_the_tenant_are_understood() -> None:
    settings = engine_settings(
        {
            **LEAST,
            "API_JWT_JWKS": '{"keys": [{"kty": "oct", "kid": "1", "k": "AA"}]}',
            "JWT_CLAIM_VALIDATORS": '{"iss": "us"}',
            "TENANT_MAX_EVENTS_PER_SECOND": "1000",
            "TENANT_MAX_CHANNELS_PER_CLIENT": "7",
        }
    )

    assert settings.tenant == Tenant(
        jwt_secret="a secret of the tenant",
        external_id="realtime-dev",
        jwks=({"kty": "oct", "kid": "1", "k": "AA"},),
        claim_validators={"iss": "us"},
        limits=Limits(max_events_per_second=1000, max_channels_per_client=7),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_JWT_JWKS", "[]"),
        ("JWT_CLAIM_VALIDATORS", "iss"),
        ("JWT_CLAIM_VALIDATORS", "[]"),
        ("TENANT_MAX_JOINS_PER_SECOND", "many"),
    ],
)
def test_a_setting_of_the_tenant_that_cannot_be_read_is_wrong_usage(name: str, value: str) -> None:
    with pytest.raises(UsageError):
        engine_settings({**LEAST, name: value})
