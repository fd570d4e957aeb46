"""What came of a run, and how it is told: a judgement, or the reason why there is none."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console

from harness.checkers.checker import Valid, worst
from harness.errors import HarnessError, UsageError
from harness.judgement import Judgement
from harness.output import note, result
from harness.report.text import coloured, summary, wrapped

EXIT_CODES: Final = {Valid.YES: 0, Valid.NO: 1, Valid.UNKNOWN: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A run without a judgement: its stack did not start, or its history cannot be read. `what` names it."""

    what: str
    error: HarnessError

    @property
    def valid(self) -> Valid:
        return Valid.UNKNOWN

    def document(self) -> dict[str, Any]:
        """What stands in the place of a verdict."""
        return {"valid": str(self.valid), "run": self.what, "error": str(self.error)}


Outcome = Judgement | Failure


def show(outcome: Outcome, *, alone: bool, written: bool = False) -> None:
    """Print a judgement; `written` are those with a report. A failure goes to stderr."""
    if isinstance(outcome, Failure):
        note(str(outcome.error) if alone else f"{outcome.what}: {outcome.error}")
        return
    report = str(outcome.report) if written else None
    text = summary(outcome.header, outcome.history, outcome.verdicts, outcome.accounts, report=report)
    console = Console(soft_wrap=True, highlight=False)
    if console.is_terminal:
        text = wrapped(text, console.width)
    with console.capture() as captured:
        console.print(coloured(text), end="")
    result(captured.get())


def outcomes_json(outcomes: Sequence[Outcome]) -> str:
    """The document of a single outcome, or the worst verdict and the documents of all."""
    documents: list[dict[str, Any]] = [outcome.document() for outcome in outcomes]
    together = {"valid": worst(outcome.valid for outcome in outcomes), "runs": documents}
    return json.dumps(documents[0] if len(documents) == 1 else together)


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """That of the worst; wrong usage, which no run survives, comes first."""
    codes = {outcome.error.exit_code for outcome in outcomes if isinstance(outcome, Failure)}
    return (
        UsageError.exit_code
        if UsageError.exit_code in codes
        else EXIT_CODES[worst(outcome.valid for outcome in outcomes)]
    )
