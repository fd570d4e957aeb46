"""The table for the terminal and the page with the plot."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.errors import HistoryError, UsageError
from harness.lab.command import LabRequest, debounce
from harness.lab.input import Input
from harness.lab.plot import page
from harness.lab.result import Result
from harness.lab.table import cells, legend, share, text_table

LOSSY = Result(
    policy="as-specified",
    interval_s=0.2,
    offered=356,
    published=120,
    coalesced=2,
    lost=234,
    events_per_s=6.19,
    peak_per_s=7.4,
    bytes=41_359,
    text_kept=0.2539,
    inversions=3,
    staleness_p50_s=0.018,
    staleness_p99_s=0.1746,
    convicted_by=("accounting", "content"),
)
OFF = replace(LOSSY, policy="off", interval_s=None, lost=0, text_kept=1.0, inversions=0, convicted_by=())


def test_a_line_has_everything_that_was_measured() -> None:
    assert " ".join(cells(LOSSY)) == (
        "as-specified 200 ms 356 120 2 234 6.2 7.4 41.4 25.4 % 3 18 ms 175 ms accounting, content"
    )


def test_what_is_not_known_is_a_dash_and_no_number() -> None:
    unknown = replace(OFF, bytes=None, text_kept=None, staleness_p50_s=None, staleness_p99_s=None)

    assert " ".join(cells(unknown)) == "off – 356 120 2 0 6.2 7.4 – – 0 – – "


@pytest.mark.parametrize(("part", "told"), [(1.0, "100 %"), (0.99999, "99.9 %"), (0.5, "50.0 %"), (0.0, "0.0 %")])
def test_nothing_but_all_is_a_hundred_per_cent(part: float, told: str) -> None:
    assert share(part) == told


def test_no_number_of_the_table_is_cut_off() -> None:
    lines = text_table([OFF, LOSSY]).splitlines()

    assert "…" not in "".join(lines)
    assert [line.split()[0] for line in lines] == ["policy", "off", "as-specified"]


def test_the_legend_says_what_is_counted_where_the_texts_are_not_known() -> None:
    assert "streamed characters" in legend(Input(name="x", sayings=()), write_s=0.002)[1]
    assert "chunks (the history has neither" in legend(Input(name="x", sayings=(), texts=False), write_s=0.002)[1]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.classes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [value for name in ("src", "href") if (value := given.get(name))]
        self.classes += (given.get("class") or "").split()


def test_the_page_needs_nothing_else_and_escapes_what_comes_from_outside() -> None:
    whole = page([OFF, LOSSY], title="Debounce", notes=["input: <script>alert(1)</script>"])

    tags = _Tags()
    tags.feed(whole)
    assert tags.links == []
    assert "default-src 'none'" in whole
    assert "<script" not in whole


def test_a_mark_shows_by_shape_and_colour_whether_text_was_lost() -> None:
    panels = page([OFF, LOSSY], title="Debounce", notes=[]).split("<figure>")[1:]

    assert [re.findall(r'<g class="([\w-]+)">', panel) for panel in panels] == [["lossless"], ["loss-4"]]
    assert ['class="cross"' in panel for panel in panels] == [False, True]
    assert "text kept 25.4 %" in panels[1]


def test_a_page_can_be_drawn_of_results_that_are_all_the_same() -> None:
    still = replace(OFF, staleness_p99_s=None, events_per_s=0.0, text_kept=None)

    assert "no text was streamed" in page([still], title="Debounce", notes=[])


def test_the_command_prints_one_line_a_trial_and_writes_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = LabRequest(policies=("off", "lossless"), intervals_ms=(100, 200), runs=tmp_path)

    code = debounce(request)

    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert (code, [line.split()[0] for line in lines[1:4]]) == (0, ["off", "lossless", "lossless"])
    (written,) = (tmp_path / "lab").glob("*/debounce.html")
    assert str(written) in err
    assert written.read_text().startswith("<!doctype html>")


def test_the_same_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    debounce(LabRequest(policies=("as-specified",), intervals_ms=(200,), out=tmp_path / "p.html", as_json=True))

    told = json.loads(capsys.readouterr().out)
    assert (told["page"], told["texts"], told["seed"]) == (str(tmp_path / "p.html"), True, 1)
    assert [(one["policy"], one["interval_s"]) for one in told["results"]] == [("as-specified", 0.2)]
    assert told["results"][0]["lost"] > 0


def test_a_policy_that_there_is_not_is_told_before_anything_is_run() -> None:
    with pytest.raises(UsageError, match="no debounce policy 'best': give one of off, as-specified"):
        debounce(LabRequest(policies=("off", "best")))


@pytest.mark.parametrize(("text", "told"), [(None, "cannot be read: No such file"), ("no", "line 1: ")])
def test_a_history_that_cannot_be_read_is_wrong_usage(tmp_path: Path, text: str | None, told: str) -> None:
    path = tmp_path / "history.jsonl"
    if text is not None:
        path.write_text(text)

    with pytest.raises(UsageError, match=f"history.jsonl.*{told}"):
        debounce(LabRequest(history=path, runs=tmp_path))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "lab").write_text("a file")

    with pytest.raises(HistoryError, match="cannot be made"):
        debounce(LabRequest(policies=("off",), runs=tmp_path))
