"""What one generation asks of the database and of the way to its readers, as a trial of the laboratory shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from harness.events.types import ProcessCompleted, ProcessError, StateUpdated
from harness.lab.result import peak_per_s, size
from harness.lab.rows import Row
from harness.lab.simulation import Trial

ENVELOPE_BYTES: Final = 1_400
"""What the other columns of a row and their types add to the event data: the frame of a heartbeat has 1,378 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Of the process that asks for most. A change is a row that was inserted or updated.

    `row_bytes` is the size of the largest change, None if that is not known.
    """

    name: str
    busiest_per_s: float
    mean_per_s: float
    duration_s: float
    row_bytes: int | None


def mix(trial: Trial, *, row_bytes: int | None = None) -> Mix:
    """The mix of a trial; `row_bytes` where the trial does not know the contents."""
    changes = {process_id: _changes(rows) for process_id, rows in _by_process(trial.rows).items()}
    durations = [sayings[-1].at - sayings[0].at for sayings in trial.given.by_process().values()]
    duration_s = max(sum(durations) / len(durations), 1.0)
    if trial.given.texts:
        row_bytes = max(size(row.event_data) for row in trial.rows) + ENVELOPE_BYTES
    return Mix(
        name=trial.given.name,
        busiest_per_s=max(peak_per_s(times) for times in changes.values()),
        mean_per_s=max(len(times) for times in changes.values()) / duration_s,
        duration_s=duration_s,
        row_bytes=row_bytes,
    )


def _by_process(rows: Sequence[Row]) -> Mapping[str, Sequence[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.process_id, []).append(row)
    return found


def _changes(rows: Sequence[Row]) -> Sequence[float]:
    """When a row of the process was inserted or updated, in order of time."""
    return sorted(chain((row.at for row in rows), (row.at for row in rows if _saves_state(row))))


def _saves_state(row: Row) -> bool:
    """Whether the state row was changed with it: a second change, which the second channel of a page hears of."""
    if row.event_type == ProcessError.event_type:
        return bool(row.event_data["error_type"] == "unrecoverable")
    return row.event_type in (StateUpdated.event_type, ProcessCompleted.event_type)
