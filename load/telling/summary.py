"""Several load runs side by side, as text for a terminal, Markdown, JUnit and CSV for CI: one column a run."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree import ElementTree

from harness.checkers.checker import Valid
from load.judging.judged import Judged
from load.telling.charts import number

SENTENCES: Final = {"valid": "as expected", "invalid": "not as expected", "unknown": "nothing can be said"}
"""What a verdict means for a run."""
WORST_FIRST: Final = ("unknown", "invalid", "valid")
_SIGNS: Final = {Valid.YES.value: "✓", Valid.NO.value: "✗", Valid.UNKNOWN.value: "?"}


def reasons(judged: Judged) -> Sequence[tuple[str, str]]:
    """Verdict and reason of each claim that is not met, with its name once, the unknown first."""
    found = []
    for name, claim in judged.claims.items():
        if claim.valid is not Valid.YES:
            reason = claim.reason or "; ".join(dict.fromkeys(finding.what for finding in claim.findings))
            found.append((claim.valid.value, reason if reason.startswith(name) else f"{name}: {reason}"))
    return sorted(found, key=lambda one: WORST_FIRST.index(one[0]))


def text(runs: Sequence[Judged], *, by: str = "debounce") -> str:
    """The table, then what is not as expected, a line each. `by` is the field of the plan that tells runs apart."""
    rows = [["", *_titles(runs, by)], *_rows(runs)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [
        f"  {row[0]:{widths[0]}}  "
        + "  ".join(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
    return "\n".join([_plan(runs[0]), "", *lines, "", *_verdicts(runs, by)])


def markdown(runs: Sequence[Judged], *, by: str = "debounce") -> str:
    """The same as a table that CI shows."""
    head = ["", *_titles(runs, by)]
    lines = [head, ["---", *("---:" for _ in runs)], *_rows(runs)]
    table = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join(
        ["## Load", "", _plan(runs[0]), "", *table, "", *(f"- {line}" for line in _verdicts(runs, by)), ""]
    )


def comma_separated(runs: Sequence[Judged], *, by: str = "debounce") -> str:
    """Figures as numbers with all their digits; empty where there is none."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["figure", *_titles(runs, by)])
    for name in _names(runs):
        values = [run.figures.get(name) for run in runs]
        writer.writerow([name, *("" if value is None else value for value in values)])
    writer.writerow(["verdict", *(run.valid.value for run in runs)])
    return out.getvalue()


def junit_of(documents: Sequence[str]) -> str:
    """The suites of several JUnit documents as one."""
    whole = ElementTree.Element("testsuites")
    for document in documents:
        whole.extend(ElementTree.fromstring(document))
    ElementTree.indent(whole)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(whole, encoding="unicode")}\n'


def _plan(run: Judged) -> str:
    plan = run.plan
    times = "" if plan.generations == 1 else f", {plan.generations} times one after another"
    offered = (
        f"{plan.writers} writers at {plan.rate:g} events/s for {plan.seconds:g} s{times}, {plan.readers} readers each, "
        f"{plan.churners} churners, {plan.storm} in the storm; seed {plan.seed}; warm-up {plan.warm_up:g} s"
    )
    return f"{offered}\n{_workers(run)}" if run.workers else offered


def _workers(run: Judged) -> str:
    """Beside the latencies, though none of them compares two clocks: how well the times of the parts fit together."""
    clocks = ", ".join(
        f"{each['worker']} ({each['host']}) {1000 * each['clock_offset_s']:+.2f} ± {1000 * each['within_s']:.2f} ms"
        for each in run.workers
    )
    return f"workers: {len(run.workers)}; their clocks to the master's: {clocks}; no latency compares two clocks"


def _rows(runs: Sequence[Judged]) -> Iterator[list[str]]:
    for name in _names(runs):
        yield [name, *(number(run.figures.get(name)) for run in runs)]


def _names(runs: Sequence[Judged]) -> Sequence[str]:
    """The rows, in their order: a run that was not judged has none."""
    return list(dict.fromkeys(name for run in runs for name in run.figures))


def _titles(runs: Sequence[Judged], by: str) -> Sequence[str]:
    return [str(getattr(run.plan, by)) for run in runs]


def _verdicts(runs: Sequence[Judged], by: str) -> Iterator[str]:
    for run, title in zip(runs, _titles(runs, by), strict=True):
        yield f"{_SIGNS[run.valid.value]} {title}: {SENTENCES[run.valid.value]}"
        yield from (f"  {_SIGNS[valid]} {reason}" for valid, reason in reasons(run))
