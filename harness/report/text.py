"""The summary of a run for a terminal, as plain text; `coloured` dresses it for one that shows colours."""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.text import Text

from harness.checkers.checker import Valid, Verdict, compose
from harness.history import History
from harness.history.accounting import Accounts
from harness.history.secrets import hide_secrets
from harness.report.circumstances import Circumstances
from harness.report.conditions import notes, run_words
from harness.report.stories import Story, stories
from harness.report.words import headline, in_short, on_trial

_SIGNS: Final = {Valid.YES: "✓", Valid.NO: "✗", Valid.UNKNOWN: "?"}
_STORIES: Final = 5
"""How many stories of a checker are told here; the report has them all."""
_REPORT: Final = "  report: "
_READERS: Final = 8
"""Of more readers than these the table has no room."""
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
    """Verdicts, what became of the events, which types occurred, findings as stories, and where the `report` is.

    A paragraph is one line, see `wrapped`.
    """
    circumstances = Circumstances.of(history)
    valid = compose(list(verdicts.values()))
    lines = [
        f"{_SIGNS[valid]} {valid}  {run_words(header)}",
        f"  {headline(verdicts)} {in_short(accounts)}",
        *_indented(notes(header)),
        "",
        *_verdicts(verdicts),
        *_indented(on_trial(verdicts)),
        *_findings(verdicts, circumstances),
        "",
        *_accounting(accounts),
        *_coverage(accounts),
        *([] if report is None else ["", f"{_REPORT}{report}"]),
    ]
    return hide_secrets("\n".join(line.rstrip() for line in lines))


def coloured(text: str) -> Text:
    """The summary with its verdicts and bad bins in colour, for a rich console."""
    dressed = Text(text)
    for pattern, style in _COLOURS:
        dressed.highlight_regex(re.compile(pattern, re.MULTILINE), style)
    return dressed


def wrapped(text: str, width: int) -> str:
    """The summary for a terminal of so many columns: long paragraphs as several lines, indented below their first."""
    return "\n".join(folded for line in text.split("\n") for folded in _folded(line, max(width, 40)))


def _folded(line: str, width: int) -> Sequence[str]:
    if len(line) <= width or line.startswith(_REPORT):
        return [line]
    told = line.lstrip()
    first = " " * (len(line) - len(told))
    return textwrap.wrap(
        told,
        width,
        initial_indent=first,
        subsequent_indent=f"{first}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _indented(text: str) -> Sequence[str]:
    return [f"  {text}"] if text else []


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
        told = stories(verdict.findings, circumstances)
        if told:
            yield ""
            yield f"  {name}:"
        for story in told[:_STORIES]:
            yield f"    {_kind(story)}: {story.text}"
        if told[_STORIES:]:
            yield f"    … and {len(told) - _STORIES} more stories: the report has them"


def _kind(story: Story) -> str:
    count = len(story.findings)
    return story.what.replace("_", " ") + (f" ({count} findings)" if count > 1 else "")


def _accounting(accounts: Accounts) -> Sequence[str]:
    """The bins that occur, by reader: a table in which every column adds up to what the reader was owed."""
    readers = accounts.by_reader()
    if not readers:
        return ["  no event was owed to anybody"]
    totals = accounts.by_bin()
    many = [f"  {len(readers)} readers: the report has each by itself"] if len(readers) > _READERS else []
    readers = {} if many else readers
    rows = [["", *readers, "all"]]
    rows += [
        [bin_.replace("_", " "), *(str(counts[bin_]) for counts in readers.values()), str(total)]
        for bin_, total in totals.items()
        if total
    ]
    rows.append(["owed", *(str(sum(counts.values())) for counts in readers.values()), str(len(accounts.entries))])
    rows += [[f"extra: {kind}", *("" for _ in readers), str(n)] for kind, n in accounts.by_extra().items() if n]
    return [*many, *_table(rows)]


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
