"""The differences that are known and meant, each with its reason: S4, and nothing else is.

Beside the straight line, the last step of `harness fidelity`. The list is printed in docs/fidelity.md.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from harness.fidelity.difference import Difference, Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Differences of `recording` (a pattern) and `stream` whose `what`, `about` or sides match `where`."""

    recording: str
    stream: str
    where: re.Pattern[str]
    reason: str

    def covers(self, recording: str, difference: Difference) -> bool:
        """Whether a difference is one of these."""
        said = f"{difference.what} | {difference.about} | {difference.expected} | {difference.got}"
        return (
            fnmatchcase(recording, self.recording)
            and fnmatchcase(difference.stream, self.stream)
            and self.where.search(said) is not None
        )


DECLARED: Final[Sequence[Declared]] = (
    Declared(
        recording="p13_failures.*",
        stream="pg",
        where=re.compile(r"pg_drop_replication_slot"),
        reason="the statement looks for slots of the plugin wal2json by name; ours reads pgoutput, so it finds none",
    ),
    Declared(
        recording="p10_bulk.*",
        stream="*",
        where=re.compile(r"^out of order \| postgres_changes"),
        reason="the order of the rows that one statement writes is that of its plan and of the free space in the "
        "table; it differed between two plays on the real server, too",
    ),
    Declared(
        recording="p10_bulk.*",
        stream="C",
        where=re.compile(r"^early \| postgres_changes"),
        reason="how long 5,000 rows of one statement take is the speed of the machine and the server, not a wait",
    ),
    Declared(
        recording="p13c_dbrestart.*",
        stream="B",
        where=re.compile(r"^missing \| broadcast realtime:f still"),
        reason="A sends it 3 ms before B joins; that it still reached B is a race between two sockets",
    ),
    Declared(
        recording="p05*_*",
        stream="http",
        where=re.compile(r"headers\.x-rate-(rolling|limit-remaining) differs"),
        reason="the mean of a counter that had run since before the recording: v1 and v2 of the same requests differ",
    ),
)


def declare(recording: str, differences: Sequence[Difference]) -> list[Difference]:
    """The differences, the declared ones graded S4 with their reason."""
    return [_graded(recording, difference) for difference in differences]


def _graded(recording: str, difference: Difference) -> Difference:
    for declared in DECLARED:
        if declared.covers(recording, difference):
            return replace(difference, grade=Grade.DECLARED, reason=declared.reason)
    return difference
