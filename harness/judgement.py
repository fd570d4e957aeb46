"""Judges a recorded run and writes what is told of it: verdict, report, JUnit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checkers import CHECKERS, judge
from harness.checkers.checker import Checker, Valid, Verdict, compose
from harness.errors import CorruptHistory
from harness.history import History
from harness.history.accounting import Accounts, account
from harness.history.store import history_file, read, write_text
from harness.report.html import html
from harness.report.junit import junit
from harness.report.verdict import verdict_document

Header = Mapping[str, Any]
_UPGRADE = "if a newer one recorded the run, upgrade realtime-harness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A history and what the checkers say of it; `folder` is where it lies."""

    header: Header
    history: History
    verdicts: Mapping[str, Verdict]
    accounts: Accounts
    folder: Path

    @property
    def valid(self) -> Valid:
        return compose(list(self.verdicts.values()))

    @property
    def report(self) -> Path:
        """Where the HTML report is, or would be."""
        return self.folder / "report.html"

    def document(self) -> dict[str, Any]:
        """The content of `verdict.json`."""
        return verdict_document(self.header, self.verdicts, self.accounts)


def judge_file(path: Path) -> Judgement:
    """Judge a recorded history (a file or a run folder) by the checkers that its header names.

    A checker that this harness does not know, or not with these parameters, is unknown. Raises `HistoryError` if the
    history cannot be read whole; the file is never changed.
    """
    header, history = read(path)
    known, unknown = _checkers(header, path)
    verdicts = {**judge(known, history), **unknown}
    incomplete = why_incomplete(history)
    if incomplete:
        verdicts["story"] = Verdict.unknown(incomplete)
    return Judgement(
        header=header, history=history, verdicts=verdicts, accounts=account(history), folder=history_file(path).parent
    )


def why_incomplete(history: History) -> str | None:
    """Why a history does not tell a story to its end: a step that failed, or a recording that stops before."""
    crashes = "".join(f"; a flow of the application had crashed: {op.error}" for op in history.where(f="crash"))
    for failed in history.where(f="step", type="fail"):
        return f"the story stopped at step {failed.value.number} ({failed.value.step}): {failed.error}{crashes}"
    begun = {op.value.process_id for op in history.where(f="start_process", type="ok")}
    if begun - {op.value.process_id for op in history.where(f="database")}:
        return f"the recording stops before the story's end: the run was killed{crashes}"
    return None


def _checkers(header: Header, path: Path) -> tuple[Mapping[str, Checker], Mapping[str, Verdict]]:
    """Those that this harness can make, and what is to be said of the others: a newer one may have recorded the run."""
    named = header.get("checkers")
    if not isinstance(named, Mapping) or not all(isinstance(fields, Mapping) for fields in named.values()):
        raise CorruptHistory(str(path), 1, "its header does not say which checkers are to judge it", 0)
    known: dict[str, Checker] = {}
    unknown: dict[str, Verdict] = {}
    for name, fields in named.items():
        try:
            known[name] = CHECKERS[name](**fields)
        except KeyError:
            unknown[name] = Verdict.unknown(f"this harness knows no checker {name!r}: {_UPGRADE}")
        except TypeError as error:
            unknown[name] = Verdict.unknown(f"this harness does not know these parameters ({error}): {_UPGRADE}")
    return known, unknown


def write(judgement: Judgement, folder: Path) -> None:
    """Write `verdict.json`, `report.html` and `junit.xml` beside the history; raises `HistoryError` or `DiskFull`."""
    document = json.dumps(judgement.document(), ensure_ascii=False, indent=2)
    write_text(folder / "verdict.json", document + "\n")
    write_report(judgement, folder)
    write_text(folder / "junit.xml", junit(judgement.header, judgement.verdicts, judgement.history))


def write_report(judgement: Judgement, folder: Path) -> Path:
    """Write `report.html` and return its path; raises `HistoryError` or `DiskFull`."""
    path = folder / "report.html"
    write_text(path, html(judgement.header, judgement.history, judgement.verdicts, judgement.accounts))
    return path
