"""The page of load runs."""

import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from harness.checkers.checker import Finding, Valid, Verdict
from load.judging.histogram import Times
from load.judging.judged import Judged
from load.judging.knee import Knee, Step
from load.plan import Plan
from load.telling.knee_table import sentence
from load.telling.page import LINKS, Run, page, run_names
from load.telling.reporting import REPORT, SERVED
from load.telling.summary import reasons

VALID = Verdict(valid=Valid.YES, looked_at=1)
_VOID = {"meta", "br", "link", "img", "input", "hr"}


class Checked(HTMLParser):
    """Every tag is closed, and what would fetch something is kept."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.classes: list[str] = []
        self.labels: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.classes.append(told.get("class") or "")
        self.labels += [told["aria-label"] or ""] if "aria-label" in told else []
        self.fetched += [told["src"] or ""] if "src" in told else []
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def encoded(*seconds: float) -> dict[str, Any]:
    times = Times.of(seconds)
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    read = {name: 1000 * (times.at(share) or 0.0) for name, share in shares.items()}
    return {"count": times.count, "negative": 0, **read, "hdr": times.encoded()}


def a_run(
    debounce: str = "lossless",
    *,
    claims: Mapping[str, Verdict] | None = None,
    lost: int = 0,
    storm: int = 4,
    workers: tuple[Mapping[str, Any], ...] = (),
    more: Mapping[str, Any] | None = None,
) -> Run:
    figures = {"events offered": 100, "lost silently": lost, "text kept %": 99.5, "delivery p99 ms": 20.5}
    told = {
        "accounting": {"delivered": 150 - lost, "lost_silent": lost, "recovered": 10},
        "times": {"delivery": encoded(0.01, 0.02)},
        "delivery by type": {"heartbeat": encoded(0.01), "section_chunk": encoded(0.02, 0.4), "seen": encoded()},
        "delivery by second": {"2": encoded(0.01, 0.02), "3": encoded(0.4)},
        **(more or {}),
    }
    judged = Judged(
        plan=Plan(debounce=debounce, storm=storm),
        figures=figures,
        checked={},
        claims={"events offered": VALID, **(claims or {})},
        workers=workers,
    )
    return Run(judged=judged, told=told, folder=debounce)


def text_of(html: str) -> str:
    body = re.sub(r"<style>.*?</style>", " ", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_page_needs_nothing_else_and_is_well_formed() -> None:
    html = page([a_run("off"), a_run("lossless")])

    checked = Checked(html)
    assert (checked.open, checked.fetched) == ([], [])
    assert "default-src 'none'" in html
    assert not re.search(r"url\(|@import|<script", html)


def test_every_picture_has_its_words() -> None:
    html = page([a_run(more={"backlog by second": {"0": 4, "1": 9}})])

    labels = Checked(html).labels
    assert "lossless: p99 of a second is 400 ms at worst" in labels
    assert "lossless: half within 10 ms, 99 % within 20 ms" in labels
    assert "backlog: lossless at most 9 deliveries waiting" in labels
    assert any(label.startswith("lossless: p50 20 ms, p95 400 ms") for label in labels)


def test_a_verdict_has_its_reasons_with_the_unknown_first() -> None:
    claims = {
        "accounting": Verdict.invalid(Finding("reader-1 lost it"), Finding("reader-2 lost it"), looked_at=3),
        "generator lag p99 ms": Verdict.unknown("generator lag p99 ms is 12, and must be at most 10"),
    }

    html = page([a_run(claims=claims)])

    assert reasons(a_run(claims=claims).judged) == [
        ("unknown", "generator lag p99 ms is 12, and must be at most 10"),
        ("invalid", "accounting: reader-1 lost it; reader-2 lost it"),
    ]
    assert html.index("must be at most 10") < html.index("reader-1 lost it")
    assert "unknown nothing can be said" in text_of(html)


def test_of_several_verdicts_the_worst_is_that_of_the_page() -> None:
    invalid = {"order": Verdict.invalid(Finding("swapped"), looked_at=1)}

    assert "<title>valid: Load</title>" in page([a_run("off"), a_run("lossless")])
    assert "<title>invalid: Load</title>" in page([a_run("off"), a_run("lossless", claims=invalid)])


def test_silent_loss_stands_out() -> None:
    html = page([a_run("off"), a_run("lossless", lost=40)])

    assert "25.0 % lost in silence" in text_of(html)
    assert "none lost in silence" in text_of(html)
    assert "lossless: 40 of 160 lost in silence" in Checked(html).labels
    assert 'class="b-lost_silent"' in html


def test_a_figure_out_of_its_bounds_is_marked() -> None:
    html = page([a_run(claims={"lost silently": Verdict.invalid(Finding("lost silently is 3"), looked_at=1)}, lost=3)])

    assert '<td class="n invalid">3</td>' in html
    assert '<td class="n valid">100</td>' in html
    assert '<td class="n ">20.5</td>' in html


def test_the_storm_and_the_first_loss_are_marked_in_time() -> None:
    with_both = text_of(page([a_run(more={"first lost at s": 7.0})]))
    without = text_of(page([a_run(storm=0)]))

    assert "storm: 4 tabs" in with_both
    assert "first event lost" in with_both
    assert "storm: " not in without


def test_the_slowest_event_type_comes_first() -> None:
    html = page([a_run()])

    assert html.index("<code>section_chunk</code>") < html.index("<code>heartbeat</code>") < html.index("<code>seen")


def test_what_the_machine_did_is_drawn_where_it_was_measured() -> None:
    usage = {"engine": [{"second": -0.5, "cpu": 0.1, "mib": 80.0}, {"second": 0.5, "cpu": 0.7, "mib": 90.0}]}

    labels = Checked(page([a_run(more={"usage by second": usage})])).labels

    assert "processor: engine at most 0.7 cores" in labels
    assert "memory: engine at most 90 MiB" in labels
    assert "What the processes" not in page([a_run()])


def test_a_backlog_that_grows_is_marked() -> None:
    html = page([a_run(more={"backlog by second": {"0": 4, "1": 90}, "backlog grows at s": 4.0})])

    assert "lossless: grows" in text_of(html)


def test_a_run_that_was_not_judged_is_told_with_its_reason() -> None:
    claims = {"course of the run": Verdict.unknown("it was not judged")}
    judged = Judged(plan=Plan(), figures={}, checked={}, claims=claims)

    html = page([Run(judged=judged, told={})])

    assert Checked(html).open == []
    assert "course of the run: it was not judged" in text_of(html)
    assert "Delivery over time" not in html


def test_the_clocks_of_the_workers_are_told_beside_the_latencies() -> None:
    worker = {"worker": 1, "host": "vm", "process": 7, "clock_offset_s": -0.0012, "within_s": 0.0003}

    assert "1 (vm) -1.20 ± 0.30 ms" in text_of(page([a_run(workers=(worker,))]))


def test_what_comes_from_outside_is_escaped() -> None:
    claims = {"order": Verdict.invalid(Finding("<img src=x>"), looked_at=1)}

    html = page([a_run(claims=claims)], title="<b>", notes=["a < b"])

    assert Checked(html).fetched == []
    assert "&lt;img src=x&gt;" in html
    assert "<h1>&lt;b&gt;</h1>" in html
    assert "a &lt; b" in html


def test_what_is_served_of_a_run_is_its_page_and_what_that_links_to() -> None:
    run = replace(a_run(), folder="")

    hrefs = re.findall(r'href="([^"]*)"', page([run]))

    assert hrefs == list(LINKS)
    assert SERVED == (REPORT, *hrefs)


def test_a_link_leads_to_the_folder_of_the_run() -> None:
    assert 'href="off/locust.html"' in page([a_run("off")])
    assert a_run("off").link("history.jsonl") == "off/history.jsonl"


@pytest.mark.parametrize(
    ("plans", "names"),
    [
        ([{"debounce": "off"}], ["off"]),
        ([{"debounce": "off"}, {"debounce": "lossless"}], ["off", "lossless"]),
        ([{"debounce": "off", "rate": 2.0}, {"debounce": "off", "rate": 8.0}], ["rate 2", "rate 8"]),
        ([{"debounce": "off"}, {"debounce": "off"}], ["off (1)", "off (2)"]),
        ([], []),
    ],
)
def test_runs_are_named_by_what_tells_them_apart(plans: list[dict[str, Any]], names: list[str]) -> None:
    assert run_names(plans) == names


def test_a_search_has_a_page_without_runs() -> None:
    step = Step(
        value=10,
        offered=20,
        delivered=40,
        p50=0.1,
        p99=0.2,
        p99_low=0.1,
        p99_high=0.3,
        limits=(),
        bound="engine (0.50 cores)",
    )
    knee = Knee(varied="writers", slo=1.0, steps=[step], knee=10, first_limit=None, held=step)

    html = page([], knees={"broadcast": knee}, title="Knee")

    text = text_of(html)
    assert Checked(html).open == []
    assert "<title>Knee</title>" in html
    assert f"The knee: broadcast {sentence(knee)} A cross was not carried" in text
    assert "at least 10 writers" in text
    assert "10 20 40 100 ms 200 ms 100 ms to 300 ms carried engine (0.50 cores)" in text
    assert "Verdicts" not in text
