"""Several load runs side by side, as text for a terminal, Markdown, JUnit and CSV for CI: one column a run."""

import csv
import io
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from harness.checkers.checker import Valid
from load.judging import Judged

_SIGNS = {Valid.YES: "✓", Valid.NO: "✗", Valid.UNKNOWN: "?"}


def text(runs: Sequence[Judged]) -> str:
    """The table, then what is not as expected, a line each."""
    rows = [["", *(run.plan.debounce for run in runs)], *_rows(runs)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [
        f"  {row[0]:{widths[0]}}  "
        + "  ".join(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
    return "\n".join([_plan(runs[0]), "", *lines, "", *_verdicts(runs)])


def markdown(runs: Sequence[Judged]) -> str:
    """The same as a table that CI shows."""
    head = ["", *(run.plan.debounce for run in runs)]
    lines = [head, ["---", *("---:" for _ in runs)], *_rows(runs)]
    table = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join(["## Load", "", _plan(runs[0]), "", *table, "", *(f"- {line}" for line in _verdicts(runs)), ""])


def comma_separated(runs: Sequence[Judged]) -> str:
    """Figures as numbers with all their digits; empty where there is none."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["figure", *(run.plan.debounce for run in runs)])
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
    return (
        f"{plan.writers} writers at {plan.rate:g} events/s for {plan.seconds:g} s, {plan.readers} readers each, "
        f"{plan.churners} churners, {plan.storm} in the storm; seed {plan.seed}; warm-up {plan.warm_up:g} s"
    )


def _rows(runs: Sequence[Judged]) -> Iterator[list[str]]:
    for name in _names(runs):
        yield [name, *(_number(run.figures.get(name)) for run in runs)]


def _names(runs: Sequence[Judged]) -> Sequence[str]:
    """The rows, in their order: a run that was not judged has none."""
    return list(dict.fromkeys(name for run in runs for name in run.figures))


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:,.1f}"


def _verdicts(runs: Sequence[Judged]) -> Iterator[str]:
    for run in runs:
        yield f"{_SIGNS[run.valid]} {run.plan.debounce}: {_sentence(run)}"
        for name, claim in run.claims.items():
            if claim.valid is not Valid.YES:
                told = claim.reason or "; ".join(dict.fromkeys(finding.what for finding in claim.findings))
                yield f"  {_SIGNS[claim.valid]} {name}: {told}"


def _sentence(run: Judged) -> str:
    match run.valid:
        case Valid.YES:
            return "as expected"
        case Valid.NO:
            return "not as expected"
        case Valid.UNKNOWN:
            return "nothing can be said"
