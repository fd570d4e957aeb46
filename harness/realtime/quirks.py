"""Every emulated oddity of the real server: a switch, a citation, the server versions. All are on by default.

A test or an application may lean on any of them without knowing; switching one off shows whether it does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """Which oddities are emulated; `ABOUT` says for each what it is and where it was seen."""

    slow_connect_refusal: bool = True
    slow_join_refusal: bool = True
    cold_worker_delay: bool = True
    reply_before_subscription: bool = True
    idle_poll_500ms: bool = True
    delete_ignores_rls: bool = True
    rls_sees_current_row: bool = True
    names_are_like_patterns: bool = True
    char_cut_to_one: bool = True
    bytea_hex_without_prefix: bool = True
    non_finite_numbers_null: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a quirk does while it is on, what happens while it is off, where it was seen and since which version."""

    on: str
    off: str
    seen: str
    since: str


ABOUT: Final[Mapping[str, About]] = {
    "slow_connect_refusal": About(
        on="an upgrade is refused after 2 s",
        off="at once",
        seen="realtime-facts 1.3, recording p04",
        since="v2.81.0",
    ),
    "slow_join_refusal": About(
        on="a join is refused after 5 s, and the whole socket stands still for that long",
        off="at once",
        seen="realtime-facts 2.4, recordings p04 and p07",
        since="v2.83.0",
    ),
    "cold_worker_delay": About(
        on="the first subscriber of a tenant is subscribed after a random 1 to 3 s",
        off="as soon as the slot is open",
        seen="realtime-facts 3.4 and 11.23, recording p11b",
        since="before v2.25",
    ),
    "reply_before_subscription": About(
        on="a join is answered before its subscription exists, so SUBSCRIBED is no readiness",
        off="a join is answered when its subscription exists",
        seen="realtime-facts 3.4, every recording",
        since="before v2.25",
    ),
    "idle_poll_500ms": About(
        on="a poll that found nothing is followed by a wait of 500 ms",
        off="by a wait of 100 ms",
        seen="realtime-facts 4.3 and 11.5, recording p11",
        since="v2.82.0",
    ),
    "delete_ignores_rls": About(
        on="a DELETE goes to every subscription of the table whose filter it meets",
        off="on a table with row security only to roles that row security does not bind",
        seen="realtime-facts 4.4, recording p12",
        since="before v2.25",
    ),
    "rls_sees_current_row": About(
        on="policies are asked about the row as it is when the change is looked at",
        off="about the row as the change left it",
        seen="realtime-facts 4.4 and 11.20, recording p12",
        since="before v2.25",
    ),
    "names_are_like_patterns": About(
        on="schema and table of a binding are LIKE patterns, in which * is % and _ is any character",
        off="they are names, and only a lone * stands for all",
        seen="realtime-facts 4.1",
        since="before v2.25",
    ),
    "char_cut_to_one": About(
        on="char(n) and bit(n) are cut to their first character",
        off="they are whole",
        seen="realtime-facts 4.7, recording p02b",
        since="before v2.25",
    ),
    "bytea_hex_without_prefix": About(
        on="bytea is hex without prefix",
        off="with the prefix \\x that PostgreSQL prints",
        seen="realtime-facts 4.7, recording p02b",
        since="v2.76.6",
    ),
    "non_finite_numbers_null": About(
        on="NaN and the infinities of a number column are null (not inside arrays)",
        off='they are the strings "NaN", "Infinity" and "-Infinity"',
        seen="realtime-facts 4.7, recording p02b",
        since="before v2.25",
    ),
}
