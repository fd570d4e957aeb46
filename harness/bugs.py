"""`harness bugs`: each delivery bug reproduced, convicted on the accused and acquitted on the reference."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.backends.options import StackOptions
from harness.batch import CLOCK, RunRequest, perform
from harness.bug import Entry, catalogue
from harness.checkers.checker import Valid
from harness.outcome import Failure, Outcome
from harness.output import note, result

EXPECTED: Final = 0
UNEXPECTED: Final = 1
UNKNOWN: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class BugsRequest:
    """What `harness bugs` was asked for. `time_factor` None: that of each bug."""

    names: Sequence[str]
    run: RunRequest
    time_factor: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A bug and what came of its two runs; `seconds` are real ones."""

    entry: Entry
    seed: int
    time_factor: float
    accused: Outcome
    reference: Outcome
    seconds: float

    @property
    def convicted(self) -> bool:
        """Whether every checker that is named convicts the accused."""
        if isinstance(self.accused, Failure):
            return False
        verdicts = self.accused.verdicts
        return all(verdicts[name].valid is Valid.NO for name in self.entry.bug.convicted_by)

    @property
    def acquitted(self) -> bool:
        return self.reference.valid is Valid.YES

    @property
    def code(self) -> int:
        """0 as it should be; 2 if one of the runs could not be judged, else 1."""
        if self.convicted and self.acquitted:
            return EXPECTED
        told = [self.reference.valid, *(() if self.convicted else (self._missing(),))]
        return UNKNOWN if Valid.UNKNOWN in told else UNEXPECTED

    def _missing(self) -> Valid:
        if isinstance(self.accused, Failure):
            return Valid.UNKNOWN
        named = [self.accused.verdicts[name].valid for name in self.entry.bug.convicted_by]
        return Valid.UNKNOWN if Valid.UNKNOWN in named else Valid.YES

    def document(self) -> dict[str, Any]:
        bug = self.entry.bug
        return {
            "id": bug.id,
            "title": self.entry.scenario.title,
            "users_say": bug.users_say,
            "reports": list(bug.reports),
            "scenario": self.entry.scenario.name,
            "accused": bug.accused,
            "convicted_by": list(bug.convicted_by),
            "convicted": self.convicted,
            "acquitted": self.acquitted,
            "as_expected": self.code == EXPECTED,
            "seed": self.seed,
            "time_factor": self.time_factor,
            "seconds": round(self.seconds, 1),
            "runs": {"accused": _run_of(self.accused), "reference": _run_of(self.reference)},
        }


async def bugs(request: BugsRequest, options: StackOptions) -> int:
    """Run the catalogue, several bugs at once, print one table; 0 if all is as expected, 1 if not, 2 if unknown."""
    entries = catalogue(request.names)
    places = asyncio.Semaphore(request.run.jobs)
    done: list[Row] = []

    async def one(entry: Entry) -> Row:
        row = await _row(entry, request, options, places)
        done.append(row)
        verdict = {EXPECTED: "as expected", UNEXPECTED: "NOT AS EXPECTED", UNKNOWN: "UNKNOWN"}[row.code]
        note(f"{len(done)} of {len(entries)}: {entry.bug.id} {entry.scenario.name}: {verdict} ({row.seconds:.0f} s)")
        return row

    begun = CLOCK.now()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(entry)) for entry in entries]
    rows = [task.result() for task in tasks]
    _tell(rows, CLOCK.now() - begun, as_json=request.run.as_json)
    codes = {row.code for row in rows}
    return next((code for code in (UNEXPECTED, UNKNOWN) if code in codes), EXPECTED)


async def _row(entry: Entry, request: BugsRequest, options: StackOptions, places: asyncio.Semaphore) -> Row:
    bug = entry.bug
    factor = bug.time_factor if request.time_factor is None else request.time_factor
    order = replace(request.run, time_factor=factor)
    stack = replace(options, cadence=bug.cadence, limits=bug.limits)
    seed = order.seeds[0]
    seconds = 0.0

    async def run(scenario: Any, app: str) -> Outcome:
        nonlocal seconds
        async with places:
            begun = CLOCK.now()
            outcome = await perform(scenario, seed, order, replace(stack, app=app))
            seconds += CLOCK.now() - begun
            return outcome

    accused = replace(entry.accused_scenario, name=entry.scenario.name, title=entry.scenario.title)
    guilty, innocent = await asyncio.gather(run(accused, entry.accused_app), run(entry.scenario, "reference"))
    return Row(entry=entry, seed=seed, time_factor=factor, accused=guilty, reference=innocent, seconds=seconds)


def _tell(rows: Sequence[Row], seconds: float, *, as_json: bool) -> None:
    expected = sum(row.code == EXPECTED for row in rows)
    if as_json:
        document = {
            "as_expected": expected,
            "of": len(rows),
            "seconds": round(seconds, 1),
            "bugs": [row.document() for row in rows],
        }
        result(json.dumps(document, ensure_ascii=False))
        return
    console = Console(soft_wrap=True, highlight=False)
    with console.capture() as captured:
        console.print(_table(rows))
    result(captured.get().rstrip("\n"))
    for line in _complaints(rows):
        result(line)
    result(f"{expected} of {len(rows)} as expected, in {seconds:.0f} s")


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("class", "users report", "reports", "accused", "convicted by", "reference", "seed", "× time", "s"):
        table.add_column(name, overflow="fold", justify="right" if name in ("seed", "× time", "s") else "left")
    for row in rows:
        bug = row.entry.bug
        table.add_row(
            bug.id,
            bug.users_say,
            ", ".join(bug.reports),
            bug.accused,
            Text(
                ", ".join(bug.convicted_by) if row.convicted else "NOT CONVICTED", style="" if row.convicted else "red"
            ),
            Text(
                "acquitted" if row.acquitted else str(row.reference.valid).upper(), style="" if row.acquitted else "red"
            ),
            str(row.seed),
            f"{row.time_factor:g}",
            f"{row.seconds:.0f}",
        )
    return table


def _complaints(rows: Sequence[Row]) -> Iterator[str]:
    """What is not as it should be, each with where to look."""
    for row in rows:
        for who, fine, outcome in (
            ("accused", row.convicted, row.accused),
            ("reference", row.acquitted, row.reference),
        ):
            if fine:
                continue
            if isinstance(outcome, Failure):
                yield f"{row.entry.bug.id}, {who}: {outcome.error}"
            else:
                said = ", ".join(
                    f"{name} {verdict.valid}" + (f" ({verdict.reason})" if verdict.reason else "")
                    for name, verdict in outcome.verdicts.items()
                )
                yield f"{row.entry.bug.id}, {who}: {said}; {outcome.report}"


def _run_of(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Failure):
        return outcome.document()
    verdicts = {name: str(verdict.valid) for name, verdict in outcome.verdicts.items()}
    return {"valid": str(outcome.valid), "checkers": verdicts, "folder": str(outcome.folder)}
