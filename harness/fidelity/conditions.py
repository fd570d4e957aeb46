"""What a recording takes for granted: a warm worker, a PostgreSQL of its own, rows left behind by an earlier one.

Beside the straight line. The recordings were made one after the other on one server and one database; each is
played on a new one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness.fidelity.recording import Recording
from harness.fidelity.script import envelope

_CLUSTER_WIDE: Final = re.compile(r"pg_stat_activity|pg_replication_slots|pg_terminate|\brole\b|alter\s+system", re.I)
_WARM_MS: Final = 900.0
"""A cold worker says that it has subscribed after a second at the earliest (recording p11b)."""

_LONG_MS: Final = 300.0

LEFT_BY: Final[Mapping[str, str]] = {"p16_poison": "p02b_types.v2"}
"""The recording whose statements leave the rows that another one finds."""

LEFT_ROWS: Final[Mapping[str, str]] = {
    "p13b_pgrestart": "insert into t_seq(grp, n) select 'X', n from generate_series(1, 45) n",
    "p13c_dbrestart": "insert into t_seq(grp, n) values ('X', 1)",
}
"""Rows that another recording finds, of which only the number is known."""


SURVIVES: Final = frozenset({"p13c_dbrestart"})
"""Recordings of a node that lives on when the database of its tenant restarts (realtime-facts 11.11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """`alone`: looks at, stops or holds up what all databases of a PostgreSQL share. `warm`: the worker runs already.

    `limits` is the step that set the limits under which a warm worker began. `left_by` names a recording whose
    statements run first, `left_rows` is a statement that does. `survives`: the node outlives its database.
    """

    alone: bool
    warm: bool
    limits: str | None
    left_by: str | None
    left_rows: str | None
    survives: bool = False


def conditions(recording: Recording) -> Conditions:
    """What must hold before the first act."""
    family = recording.name.partition(".")[0]
    return Conditions(
        alone=_is_alone(recording),
        warm=_is_warm(recording),
        limits=_first_limits(recording),
        left_by=LEFT_BY.get(family),
        left_rows=LEFT_ROWS.get(family),
        survives=family in SURVIVES,
    )


def _is_alone(recording: Recording) -> bool:
    """Whether it would disturb others in the same PostgreSQL: no slot can be made while a transaction is open."""
    begun: dict[str, float] = {}
    for entry in recording.entries:
        if entry.dir == "ctl" and entry.text == "pg_restart":
            return True
        if entry.dir != "sql":
            continue
        if _CLUSTER_WIDE.search(entry.text) or entry.t - begun.get(entry.c, entry.t) > _LONG_MS:
            return True
        if entry.text == "begin":
            begun[entry.c] = entry.t
        elif entry.text in ("commit", "rollback"):
            begun.pop(entry.c, None)
    return False


def _first_limits(recording: Recording) -> str | None:
    """The limits that a recording sets before anything else: those of the session in which it was made."""
    first = next((entry for entry in recording.entries if entry.is_act), None)
    return first.text if first is not None and first.dir == "ctl" and first.text.startswith("limits") else None


def _is_warm(recording: Recording) -> bool:
    """Whether the first channel with bindings heard the outcome sooner than a cold worker can tell it."""
    joined: dict[tuple[str, str], float] = {}
    for entry in recording.entries:
        if entry.dir == "ctl" and entry.text == "reload":
            return False
        message = envelope(entry.text) if entry.dir in ("send", "recv") and not entry.bin else None
        if message is None:
            continue
        key = (entry.c, str(message.get("topic")))
        if entry.dir == "send" and message.get("event") == "phx_join":
            joined[key] = entry.t
        elif message.get("event") == "system" and '"postgres_changes"' in entry.text and key in joined:
            return entry.t - joined[key] < _WARM_MS
    return False
