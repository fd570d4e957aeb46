"""The tenant as columns of the admin API: shown without its secrets, and changed by whoever may (realtime-facts 6.1).

The names are those of the real API; the shape of the answer was not recorded.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from harness.realtime.plans import Limits, changed
from harness.realtime.tenant import Tenant

Errors = Mapping[str, list[str]]
"""For each column that cannot be set so, why."""

_INVALID: Final = "is invalid"
_WHOLE: Final = re.compile(r"[0-9]{1,10}")
_LARGEST: Final = 2**31 - 1
"""The columns are integers of PostgreSQL."""

_FLAGS: Final = {"private_only": "private_only", "suspend": "suspended", "presence_enabled": "presence_enabled"}
_BOOLEANS: Final[Mapping[Any, bool]] = {True: True, False: False, "true": True, "false": False}


def shown(tenant: Tenant, external_id: str) -> dict[str, Any]:
    """What the API says of a tenant."""
    return {
        "external_id": external_id,
        "name": tenant.name,
        **asdict(tenant.limits),
        **{column: getattr(tenant, name) for column, name in _FLAGS.items()},
    }


def altered(tenant: Tenant, columns: Mapping[str, Any]) -> Tenant | Errors:
    """The tenant after some columns were set; those that it does not have are ignored, as the real API does."""
    errors = {name: [_INVALID] for name, value in columns.items() if not _fits(name, value)}
    if errors:
        return errors
    whole = {name: int(value) for name, value in columns.items() if name in Limits.__dataclass_fields__}
    fields: dict[str, Any] = {"limits": changed(tenant.limits, whole)}
    fields |= {name: _BOOLEANS[columns[column]] for column, name in _FLAGS.items() if column in columns}
    fields |= {name: columns[name] for name in ("name", "jwt_secret") if name in columns}
    if "jwt_jwks" in columns:
        fields["jwks"] = tuple((columns["jwt_jwks"] or {}).get("keys", ()))
    return replace(tenant, **fields)


def disconnects(before: Tenant, after: Tenant) -> bool:
    """Whether a change ends every socket of the tenant (realtime-facts 1.5)."""
    names = ("jwt_secret", "jwks", "private_only", "suspended")
    return any(getattr(before, name) != getattr(after, name) for name in names)


def _fits(column: str, value: Any) -> bool:
    if column in Limits.__dataclass_fields__:
        return not isinstance(value, bool) and _WHOLE.fullmatch(str(value)) is not None and int(value) <= _LARGEST
    if column in _FLAGS:
        return isinstance(value, bool | str) and value in _BOOLEANS
    if column in ("name", "jwt_secret"):
        return isinstance(value, str) and value != ""
    return column != "jwt_jwks" or _is_key_set(value)


def _is_key_set(value: Any) -> bool:
    keys = value.get("keys") if isinstance(value, dict) else [] if value is None else None
    return isinstance(keys, list) and all(isinstance(each, dict) for each in keys)
