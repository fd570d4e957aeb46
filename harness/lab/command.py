"""`harness lab debounce`: every debounce policy on the same input; one table, and a page with the trade-off."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.clock import SystemClock
from harness.errors import HistoryError, UsageError
from harness.history.store import history_file, read, write_text
from harness.lab.article import CHUNKS_PER_S, article
from harness.lab.input import Input
from harness.lab.plot import page
from harness.lab.recorded import recorded
from harness.lab.result import Result, measured
from harness.lab.simulation import POLICY_NAMES, simulate
from harness.lab.table import legend, text_table
from harness.output import note, result

CLOCK: Final = SystemClock()
INTERVALS_MS: Final = (50.0, 100.0, 200.0, 500.0, 1000.0)
WRITE_MS: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabRequest:
    """What `harness lab debounce` was asked for. `out` None: a folder of its own under `runs`."""

    policies: Sequence[str] = POLICY_NAMES
    intervals_ms: Sequence[float] = INTERVALS_MS
    seed: int = 1
    write_ms: float = WRITE_MS
    chunks_per_s: float = CHUNKS_PER_S
    history: Path | None = None
    runs: Path = Path("runs")
    out: Path | None = None
    as_json: bool = False


def debounce(request: LabRequest) -> int:
    """Run all trials, write the page and print the table; 0, whatever the policies do: nobody is on trial here.

    Raises `UsageError` for a policy that there is not, or a history that cannot be read.
    """
    check_names(request.policies)
    given = the_input(request.history, seed=request.seed, chunks_per_s=request.chunks_per_s)
    results = list(_results(request, given))
    write_s = request.write_ms / 1000
    notes = legend(given, write_s=write_s)
    out = request.out or _folder(request) / "debounce.html"
    write_text(out, page(results, title="Debounce policies on the same input", notes=notes))
    if request.as_json:
        document = {
            "input": given.name,
            "texts": given.texts,
            "seed": request.seed,
            "write_ms": request.write_ms,
            "results": [one.document() for one in results],
            "page": str(out),
        }
        result(json.dumps(document, ensure_ascii=False))
        return 0
    for line in (text_table(results), *notes):
        result(line)
    note(f"the trade-off as a plot: {out}")
    return 0


def the_input(history: Path | None, *, seed: int, chunks_per_s: float) -> Input:
    """The events of a recorded history, else those of a generated article.

    Raises `UsageError` for a history that cannot be read: it is an argument, and nothing of ours went wrong.
    """
    if history is None:
        return article(seed=seed, chunks_per_s=chunks_per_s)
    try:
        _, ops = read(history)
    except HistoryError as error:
        raise UsageError(str(error)) from error
    return recorded(ops, name=str(history_file(history)))


def check_names(policies: Sequence[str]) -> None:
    """Raise `UsageError` if one of them is no debounce policy."""
    for name in policies:
        if name not in POLICY_NAMES:
            raise UsageError(f"no debounce policy {name!r}: give one of {', '.join(POLICY_NAMES)}")


def _results(request: LabRequest, given: Input) -> Iterator[Result]:
    for policy in request.policies:
        for interval_ms in (0.0,) if policy == "off" else request.intervals_ms:
            interval_s = interval_ms / 1000
            trial = simulate(given, policy, interval_s=interval_s, write_s=request.write_ms / 1000, seed=request.seed)
            yield measured(trial, policy=policy, interval_s=interval_s or None)


def _folder(request: LabRequest) -> Path:
    """A new folder; `runs/latest` stays where it is, as this is no run that could be judged."""
    folder = request.runs / "lab" / f"{CLOCK.wall():%Y%m%dT%H%M%S.%fZ}-{request.seed}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HistoryError(f"{folder} cannot be made: {error.strerror}") from error
    return folder
