"""What a trial measured: how much was published, how late, what was lost on the way, and who convicts that."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from harness.checkers import Accounting, Content, Order, RateBound
from harness.checkers.checker import Checker, Valid, judge
from harness.history.accounting import SILENT, Bin, account
from harness.history.facts import Facts
from harness.history.percentile import percentile
from harness.lab.simulation import Trial, published_chunks, said_chunks
from harness.lab.text import kept, letters

TICK_S: Final = 5.0
"""The tick in which the server counts against its limits (docs/limits.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the table. Times are seconds; `interval_s` is None where there is none.

    `coalesced` went into a later event, or were replaced by one, as their class allows; `lost` are published in no
    form, and nobody was told. Rates are over five seconds at least; `peak_per_s` is the mean of the busiest five.
    `bytes` are those of the event data, None if the contents are not known. `text_kept` is the share of the streamed
    characters (or chunks) that are published where they belong. Staleness is counted from when an event was due until
    the row that carries it is committed; of what was lost there is none.
    """

    policy: str
    interval_s: float | None
    offered: int
    published: int
    coalesced: int
    lost: int
    events_per_s: float
    peak_per_s: float
    bytes: int | None
    text_kept: float | None
    inversions: int
    staleness_p50_s: float | None
    staleness_p99_s: float | None
    convicted_by: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def measured(trial: Trial, *, policy: str, interval_s: float | None) -> Result:
    """The line of a trial; `interval_s` None: the policy promises no rate, and is not judged by one."""
    history, rows = trial.history, trial.rows
    bins = account(history).by_bin()
    staleness = sorted(_staleness(trial))
    times = sorted(row.at for row in rows)
    verdicts = judge(_checkers(interval_s), history)
    return Result(
        policy=policy,
        interval_s=interval_s,
        offered=len(trial.given.sayings),
        published=len(rows),
        coalesced=bins[Bin.COALESCED] + bins[Bin.SUPERSEDED],
        lost=sum(bins[one] for one in SILENT),
        events_per_s=len(rows) / max(trial.last_at, TICK_S),
        peak_per_s=peak_per_s(times),
        bytes=sum(size(row.event_data) for row in rows) if trial.given.texts else None,
        text_kept=_text_kept(trial),
        inversions=len(verdicts["order"].findings),
        staleness_p50_s=percentile(staleness, 0.50) if staleness else None,
        staleness_p99_s=percentile(staleness, 0.99) if staleness else None,
        convicted_by=tuple(name for name, verdict in verdicts.items() if verdict.valid is Valid.NO),
    )


def peak_per_s(times: Sequence[float]) -> float:
    """The most events in any stretch of `TICK_S` seconds, per second; of ascending times."""
    most = max((bisect_left(times, at + TICK_S) - place for place, at in enumerate(times)), default=0)
    return most / TICK_S


def _checkers(interval_s: float | None) -> Mapping[str, Checker]:
    always: dict[str, Checker] = {"accounting": Accounting(), "order": Order(), "content": Content()}
    return always if interval_s is None else {**always, "rate_bound": RateBound(interval_s=interval_s)}


def _staleness(trial: Trial) -> Iterable[float]:
    """Of each event that was published in some form: how long after it was due that was committed."""
    facts = Facts.of(trial.history)
    committed = {row.event_id: row.at for row in trial.rows}
    for process_id, sayings in trial.given.by_process().items():
        for saying, journey in zip(sayings, facts.emitted[process_id], strict=True):
            at = committed.get(facts.carrier(journey).event_id)
            if at is not None:
                yield at - saying.at


def _text_kept(trial: Trial) -> float | None:
    processes = trial.given.by_process()
    said = letters(chunk for process_id, sayings in processes.items() for chunk in said_chunks(process_id, sayings))
    return kept(said, letters(published_chunks(trial.rows)))


def size(data: Mapping[str, Any]) -> int:
    """Bytes of event data as JSON."""
    return len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
