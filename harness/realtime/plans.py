"""How much a tenant may do: the limits of a self-hosted server and of the vendor's plans (realtime-facts 6.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

Plan = Literal["selfhost", "free", "pro", "team", "off"]
"""A row of the table: `selfhost` is what a container is seeded with, `off` has no limit at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one tenant, named as its columns are named in the admin API. None is no limit.

    `max_bytes_per_second` is kept and shown only: the real server enforces it nowhere either. Its other bounds
    (a change record of 1,048,576 bytes, a frame of 5,000,000 bytes, 25 replayed messages) are the same in every
    plan and belong to those who enforce them.
    """

    max_concurrent_users: int | None = 200
    max_events_per_second: int | None = 100
    max_joins_per_second: int | None = 100
    max_channels_per_client: int | None = 100
    max_presence_events_per_second: int | None = 1000
    max_client_presence_events_per_window: int | None = 5
    client_presence_window_ms: int = 30_000
    max_payload_size_in_kb: int | None = 3000
    max_bytes_per_second: int | None = 100_000


PLANS: Final[Mapping[Plan, Limits]] = {
    "selfhost": Limits(),
    "free": Limits(max_presence_events_per_second=20, max_payload_size_in_kb=256),
    "pro": Limits(
        max_concurrent_users=500,
        max_events_per_second=500,
        max_joins_per_second=500,
        max_presence_events_per_second=50,
    ),
    "team": Limits(
        max_concurrent_users=10_000,
        max_events_per_second=2_500,
        max_joins_per_second=2_500,
        max_presence_events_per_second=1_000,
    ),
    "off": Limits(
        max_concurrent_users=None,
        max_events_per_second=None,
        max_joins_per_second=None,
        max_channels_per_client=None,
        max_presence_events_per_second=None,
        max_client_presence_events_per_window=None,
        max_payload_size_in_kb=None,
        max_bytes_per_second=None,
    ),
}

PLAN_NAMES: Final[tuple[Plan, ...]] = get_args(Plan)


def changed(limits: Limits, columns: Mapping[str, object]) -> Limits:
    """The limits after the admin API has set some columns: names that are no limit, and values that are no whole
    number, are left as they are (the real server takes the whole tenant in one call).
    """
    known = {
        name: value
        for name, value in columns.items()
        if name in Limits.__dataclass_fields__ and isinstance(value, int) and not isinstance(value, bool)
    }
    return replace(limits, **known)
