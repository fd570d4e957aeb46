"""The page, written beside its runs."""

import json
from pathlib import Path

import pytest

from harness.checkers.checker import Verdict
from harness.errors import HistoryError
from load.judging.judged import Judged
from load.plan import Plan
from load.telling.reporting import write_report


def judged(reason: str) -> Judged:
    return Judged(plan=Plan(), figures={}, checked={}, claims={"course of the run": Verdict.unknown(reason)})


def test_links_lead_from_the_page_to_the_runs(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(json.dumps({"accounting": {"delivered": 3}}))
    runs = {tmp_path / name: Judged(plan=Plan(), figures={"text kept %": 100}, checked={}, claims={})
            for name in ("one", "other")}  # fmt: skip

    written = write_report(tmp_path, runs)

    assert written == tmp_path / "report.html"
    assert 'href="other/history.jsonl"' in written.read_text()
    assert 'aria-label="lossless (1): 0 of 3 lost in silence"' in written.read_text()


def test_a_run_has_its_own_page_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("{}")

    written = write_report(
        tmp_path, {tmp_path: Judged(plan=Plan(), figures={"text kept %": 100}, checked={}, claims={})}
    )

    assert 'href="history.jsonl"' in written.read_text()


def test_a_run_without_a_result_is_told_all_the_same(tmp_path: Path) -> None:
    written = write_report(tmp_path, {tmp_path / "off": judged("it was not judged")})

    assert "it was not judged" in written.read_text()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(HistoryError):
        write_report(tmp_path / "nowhere", {})
