"""The summary of a run for a terminal, as plain text; `coloured` dresses it for one that shows colours."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.text import Text

from harness.checkers.checker import Valid, Verdict, compose
from harness.history import History
from harness.history.accounting import Accounts
from harness.history.secrets import hide_secrets
from harness.report.explain import Circumstances, explain
from harness.report.words import HEADLINES, in_short

_SIGNS: Final = {Valid.YES: "✓", Valid.NO: "✗", Valid.UNKNOWN: "?"}
_FINDINGS: Final = 5
"""How many findings of a checker are told here; the report has them all."""
_COLOURS: Final = (
    (r"^\S* valid\b|✓", "green"),
    (r"^\S* invalid\b|✗", "bold red"),
    (r"^\S* unknown\b|(?<=^  )\?", "yellow"),
    (r"\b(lost silent|unpublished silent|withheld|truncated|reordered)(?= +[1-9])", "red"),
)


def summary(
    header: Mapping[str, Any],
    history: History,
    verdicts: Mapping[str, Verdict],
    accounts: Accounts,
    *,
    report: str | None = None,
) -> str:
    """Verdicts, what became of the events, which types occurred, findings in words, and where the `report` is."""
    circumstances = Circumstances.of(history)
    valid = compose(list(verdicts.values()))
    lines = [
        f"{_SIGNS[valid]} {valid}  {_run(header)}",
        f"  {HEADLINES[valid]} {in_short(accounts)}",
        "",
        *_verdicts(verdicts),
        *_findings(verdicts, circumstances),
        "",
        *_accounting(accounts),
        *_coverage(accounts),
        *([] if report is None else ["", f"  report: {report}"]),
    ]
    return hide_secrets("\n".join(line.rstrip() for line in lines))


def coloured(text: str) -> Text:
    """The summary with its verdicts and bad bins in colour, for a rich console."""
    dressed = Text(text)
    for pattern, style in _COLOURS:
        dressed.highlight_regex(re.compile(pattern, re.MULTILINE), style)
    return dressed


def _run(header: Mapping[str, Any]) -> str:
    pace = f", pace {header['pace']:g}" if isinstance(header.get("pace"), int | float) else ""
    return f"{header.get('scenario')}, seed {header.get('seed')}, on {header.get('backend')}{pace}"


def _verdicts(verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    width = max(map(len, verdicts), default=0)
    for name, verdict in verdicts.items():
        told = verdict.reason or f"{_findings_of(verdict)} in {verdict.looked_at} looked at"
        yield f"  {_SIGNS[verdict.valid]} {name:{width}}  {verdict.valid:7}  {told}"


def _findings_of(verdict: Verdict) -> str:
    count = len(verdict.findings)
    return f"{count or 'no'} finding{'' if count == 1 else 's'}"


def _findings(verdicts: Mapping[str, Verdict], circumstances: Circumstances) -> Iterator[str]:
    for name, verdict in verdicts.items():
        if verdict.findings:
            yield ""
            yield f"  {name}:"
        for finding in verdict.findings[:_FINDINGS]:
            yield f"    {finding.what.replace('_', ' ')}: {explain(finding, circumstances)}"
        if len(verdict.findings) > _FINDINGS:
            yield f"    … and {len(verdict.findings) - _FINDINGS} more"


def _accounting(accounts: Accounts) -> Sequence[str]:
    """The bins that occur, by reader: a table in which every column adds up to what the reader was owed."""
    readers = accounts.by_reader()
    if not readers:
        return ["  no event was owed to anybody"]
    totals = accounts.by_bin()
    rows = [["", *readers, "all"]]
    rows += [
        [bin_.replace("_", " "), *(str(counts[bin_]) for counts in readers.values()), str(total)]
        for bin_, total in totals.items()
        if total
    ]
    rows.append(["owed", *(str(sum(counts.values())) for counts in readers.values()), str(len(accounts.entries))])
    rows += [[f"extra: {kind}", *("" for _ in readers), str(n)] for kind, n in accounts.by_extra().items() if n]
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> Sequence[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        f"  {row[0]:{widths[0]}}  "
        + "  ".join(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]


def _coverage(accounts: Accounts) -> Iterator[str]:
    if accounts.coverage:
        yield ""
        told = ", ".join(f"{event_type} {count}" for event_type, count in accounts.coverage.items())
        yield f"  {sum(accounts.coverage.values())} events of {len(accounts.coverage)} types: {told}"
