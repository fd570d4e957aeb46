"""Writes the page of load runs: `result.json` of each, and what searches found → `report.html`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from harness.history.store import write_text
from load.judging.judged import RESULT, Judged
from load.judging.knee import Knee
from load.telling.page import LINKS, Run, page

REPORT: Final = "report.html"
SERVED: Final = (REPORT, *LINKS)
"""Of the folder of a run, what its page is made of: all that is to be handed out of it."""


def write_report(
    folder: Path,
    runs: Mapping[Path, Judged],
    *,
    knees: Mapping[str, Knee] | None = None,
    notes: Sequence[str] = (),
    title: str = "Load",
) -> Path:
    """Write the page to `folder`: its runs, each judged in a folder in or below that one, and what searches found, by
    name. `notes` are sentences for its head, as a recommendation. Raises `HistoryError` where it cannot be written.
    """
    told = [Run(judged=judged, told=result_of(where), folder=_seen(where, folder)) for where, judged in runs.items()]
    write_text(folder / REPORT, page(told, knees=knees or {}, notes=notes, title=title))
    return folder / REPORT


def result_of(folder: Path) -> Mapping[str, Any]:
    """The `result.json` of a run; nothing of one that was not judged, which its verdict tells."""
    file = folder / RESULT
    told: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return told


def _seen(where: Path, folder: Path) -> str:
    seen = where.resolve().relative_to(folder.resolve()).as_posix()
    return "" if seen == "." else seen
