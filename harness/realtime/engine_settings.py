"""What the engine as a program is told by the environment of `supabase/realtime` (realtime-facts 8.2).

Beside the straight line: read once by `python -m harness.realtime`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from harness.errors import UsageError
from harness.realtime.keys import parse_jwks
from harness.realtime.plans import Limits, changed
from harness.realtime.tenant import Tenant

_SLOT: Final = "supabase_realtime_replication_slot"
_MESSAGES_SLOT: Final = "supabase_realtime_messages_replication_slot"
_REQUIRED: Final = ("DB_HOST", "DB_PASSWORD", "API_JWT_SECRET")

LIMITS: Final[Mapping[str, str]] = {
    "TENANT_MAX_CONCURRENT_USERS": "max_concurrent_users",
    "TENANT_MAX_EVENTS_PER_SECOND": "max_events_per_second",
    "TENANT_MAX_JOINS_PER_SECOND": "max_joins_per_second",
    "TENANT_MAX_CHANNELS_PER_CLIENT": "max_channels_per_client",
    "TENANT_MAX_BYTES_PER_SECOND": "max_bytes_per_second",
    "CLIENT_PRESENCE_MAX_CALLS": "max_client_presence_events_per_window",
    "CLIENT_PRESENCE_WINDOW_MS": "client_presence_window_ms",
}
"""Which variable sets which limit (realtime-facts 6.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Where to listen, which database to read, whom to serve. `bind_host` is loopback unless HARNESS_BIND_HOST says
    otherwise, as the container does.
    """

    bind_host: str
    port: int
    database_url: str = field(repr=False)
    database: str
    slot: str
    messages_slot: str
    tenant: Tenant


def engine_settings(variables: Mapping[str, str]) -> EngineSettings:
    """The settings from environment variables; what the engine does not know is ignored, as empty ones are.

    Raises `UsageError` that names every variable which is missing or wrong, and shows no value of a secret.
    """
    given = {name: value for name, value in variables.items() if value.strip()}
    missing = [name for name in _REQUIRED if name not in given]
    if missing:
        raise UsageError(f"the engine needs {', '.join(missing)}, with the meaning that supabase/realtime gives them")
    user, name = given.get("DB_USER", "supabase_admin"), given.get("DB_NAME", "postgres")
    suffix = given.get("SLOT_NAME_SUFFIX", "")
    place = f"{given['DB_HOST']}:{_whole(given, 'DB_PORT', 5432)}"
    return EngineSettings(
        bind_host=given.get("HARNESS_BIND_HOST", "127.0.0.1"),
        port=_whole(given, "PORT", 4000),
        database_url=f"postgresql://{_quoted(user)}:{_quoted(given['DB_PASSWORD'])}@{place}/{_quoted(name)}",
        database=f"{name} at {place}",
        slot=_SLOT + (f"_{suffix}" if suffix else ""),
        messages_slot=f"{_MESSAGES_SLOT}_{suffix}",
        tenant=_tenant(given),
    )


def _tenant(given: Mapping[str, str]) -> Tenant:
    name = given.get("SELF_HOST_TENANT_NAME", "realtime-dev")
    return Tenant(
        jwt_secret=given["API_JWT_SECRET"],
        jwks=parse_jwks(given.get("API_JWT_JWKS", "")),
        claim_validators=_claim_validators(given),
        external_id=name,
        name=name,
        connect_error_backoff_s=_whole(given, "CONNECT_ERROR_BACKOFF_MS", 2000) / 1000,
        channel_error_backoff_s=_whole(given, "CHANNEL_ERROR_BACKOFF_MS", 5000) / 1000,
        limits=changed(Limits(), {limit: _whole(given, key, 0) for key, limit in LIMITS.items() if key in given}),
    )


def _claim_validators(given: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        validators = json.loads(given.get("JWT_CLAIM_VALIDATORS", "{}"))
    except ValueError:
        validators = None
    if not isinstance(validators, dict):
        raise UsageError("JWT_CLAIM_VALIDATORS is no JSON object of claims and the values that they must have")
    return validators


def _whole(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default)).strip()
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"{name} is {text!r}, where a whole number belongs")
    return int(text)


def _quoted(text: str) -> str:
    return quote(text, safe="")
