"""`harness bugs`: each delivery bug reproduced, convicted on the accused and acquitted on the reference.

Several classes run at once, each in a process of its own, so that none can stall another's clock; its two runs
follow each other.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from harness.backends.options import StackOptions
from harness.batch import CLOCK, RunRequest, perform
from harness.bug import Entry, catalogue, link
from harness.checkers.checker import Valid
from harness.outcome import Failure, Outcome
from harness.output import note, result
from harness.report.catalogue import WORDS, told

EXPECTED: Final = 0
UNEXPECTED: Final = 1
UNKNOWN: Final = 2

Document = Mapping[str, Any]
"""What is known of one class, as it is printed with `--json`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BugsRequest:
    """What `harness bugs` was asked for. `time_factor` None: that of each class."""

    names: Sequence[str]
    run: RunRequest
    time_factor: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A class and what came of its two runs; `seconds` are real ones."""

    entry: Entry
    seed: int
    time_factor: float
    accused: Outcome
    reference: Outcome
    seconds: float

    @property
    def convicted(self) -> bool:
        """Whether every checker that is named convicts the accused."""
        return set(self._named()) == {Valid.NO}

    @property
    def acquitted(self) -> bool:
        return self.reference.valid is Valid.YES

    @property
    def code(self) -> int:
        """0 as it should be; 2 if what is not could not be judged, else 1."""
        if self.convicted and self.acquitted:
            return EXPECTED
        otherwise = self.reference.valid is Valid.NO or Valid.YES in self._named()
        return UNEXPECTED if otherwise else UNKNOWN

    def document(self) -> Document:
        return {
            **_known(self.entry),
            "convicted": self.convicted,
            "acquitted": self.acquitted,
            "code": self.code,
            "seed": self.seed,
            "time_factor": self.time_factor,
            "seconds": round(self.seconds, 1),
            "runs": {"accused": _run_of(self.accused), "reference": _run_of(self.reference)},
            "complaints": [
                *(() if self.convicted else (_complaint("accused", self.accused),)),
                *(() if self.acquitted else (_complaint("reference", self.reference),)),
            ],
        }

    def _named(self) -> Sequence[Valid]:
        """The verdicts on the accused of the checkers that must convict it."""
        if isinstance(self.accused, Failure):
            return (Valid.UNKNOWN,)
        return [self.accused.verdicts[name].valid for name in self.entry.bug.convicted_by]


async def bugs(request: BugsRequest, options: StackOptions) -> int:
    """Run the catalogue or the classes named, print what came of it; 0 if all is as expected, 1 if not, 2 if unknown.

    Raises `UnknownBug` for a class that there is not. Cancelled, it ends what it has begun.
    """
    entries = catalogue(request.names)
    begun = CLOCK.now()
    documents = [await _here(entries[0], request, options)] if len(entries) == 1 else await _apart(entries, request)
    seconds = CLOCK.now() - begun
    if request.run.as_json:
        expected = sum(document["code"] == EXPECTED for document in documents)
        summary = {"as_expected": expected, "of": len(documents), "seconds": round(seconds, 1)}
        result(json.dumps({**summary, "bugs": documents}, ensure_ascii=False))
    else:
        result(told(documents, seconds))
    codes = {document["code"] for document in documents}
    return next((code for code in (UNEXPECTED, UNKNOWN) if code in codes), EXPECTED)


async def _here(entry: Entry, request: BugsRequest, options: StackOptions) -> Document:
    """Both runs of one class, in this process."""
    bug = entry.bug
    factor = bug.time_factor if request.time_factor is None else request.time_factor
    order = replace(request.run, time_factor=factor)
    stack = replace(options, cadence=bug.cadence, limits=bug.limits)
    seed, begun = order.seeds[0], CLOCK.now()
    guilty = await perform(entry.accused_scenario, seed, order, replace(stack, app=entry.accused_app))
    innocent = await perform(entry.scenario, seed, order, replace(stack, app="reference"))
    row = Row(
        entry=entry,
        seed=seed,
        time_factor=factor,
        accused=guilty,
        reference=innocent,
        seconds=CLOCK.now() - begun,
    )
    return row.document()


async def _apart(entries: Sequence[Entry], request: BugsRequest) -> Sequence[Document]:
    """Each class in a process of its own, so many at once as were asked for."""
    places = asyncio.Semaphore(request.run.jobs)
    done: list[Document] = []

    async def one(entry: Entry) -> Document:
        async with places:
            document = await _in_a_process(entry, request)
        done.append(document)
        note(f"{len(done)} of {len(entries)}: {entry.bug.id} {entry.scenario.title} {WORDS[document['code']]}")
        return document

    note(f"{len(entries)} classes, {request.run.jobs} at once, each in a process of its own")
    async with asyncio.TaskGroup() as group:
        tasks = {entry.bug.id: group.create_task(one(entry)) for entry in entries}
    return [task.result() for task in tasks.values()]


async def _in_a_process(entry: Entry, request: BugsRequest) -> Document:
    factor = () if request.time_factor is None else ("--time-factor", str(request.time_factor))
    seed, runs = str(request.run.seeds[0]), str(request.run.runs)
    command = ("-m", "harness", "bugs", entry.bug.id, "--json", "--seed", seed, "--runs", runs, *factor)
    child = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await child.communicate()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)  # it takes its stack down
        await child.wait()
        raise
    try:
        document: Document = json.loads(out)["bugs"][0]
    except (ValueError, LookupError):
        return _broken(entry, request, err.decode(errors="replace").strip() or f"exit code {child.returncode}")
    return document


def _broken(entry: Entry, request: BugsRequest, why: str) -> Document:
    """What is told of a class whose process came to no end."""
    return {
        **_known(entry),
        "convicted": False,
        "acquitted": False,
        "code": UNKNOWN,
        "seed": request.run.seeds[0],
        "time_factor": request.time_factor or entry.bug.time_factor,
        "seconds": 0.0,
        "runs": {},
        "complaints": [f"its process came to no verdict: {why.splitlines()[-1]}"],
    }


def _known(entry: Entry) -> Document:
    """What is told of a class, whatever came of its runs."""
    bug = entry.bug
    return {
        "id": bug.id,
        "title": entry.scenario.title,
        "users_say": bug.users_say,
        "reports": [{"name": report, "url": link(report)} for report in bug.reports],
        "scenario": entry.scenario.name,
        "accused": bug.accused,
        "convicted_by": list(bug.convicted_by),
    }


def _complaint(who: str, outcome: Outcome) -> str:
    """What is not as it should be, and where to look."""
    if isinstance(outcome, Failure):
        return f"{who}: {outcome.error}"
    said = ", ".join(
        f"{name} {verdict.valid}" + (f" ({verdict.reason})" if verdict.reason else "")
        for name, verdict in outcome.verdicts.items()
    )
    return f"{who}: {said}; {outcome.report}"


def _run_of(outcome: Outcome) -> Document:
    if isinstance(outcome, Failure):
        return outcome.document()
    verdicts = {name: str(verdict.valid) for name, verdict in outcome.verdicts.items()}
    return {"valid": str(outcome.valid), "checkers": verdicts, "folder": str(outcome.folder)}
