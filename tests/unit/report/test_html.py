import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from harness.checkers import CHECKERS, judge
from harness.checkers.trial import Trial
from harness.checkers.trials import TRIALS
from harness.history import History
from harness.history.accounting import account
from harness.history.op import Value
from harness.report.html import SHOWN_FINDINGS, html, milliseconds
from tests.histories.clean import HEADER, clean_run
from tests.histories.literal import a_history, an_op, applied, committed, emitted, inserted, started, subscribed

HOSTILE = '</script></title><script>alert("x")</script>\' onload=alert(1)'
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJl"
VOID = {"meta", "br", "link", "img", "input"}


def page(history: History, header: dict[str, object] | None = None) -> str:
    verdicts = judge({name: checker() for name, checker in CHECKERS.items()}, history)
    return html({**HEADER, **(header or {})}, history, verdicts, account(history))


def a_loss(message: str = "") -> History:
    return a_history(
        started(at=0.0),
        subscribed("reader"),
        emitted(1, at=1.0),
        inserted(1),
        committed(1),
        emitted(2),
        committed(2),
        applied("reader", sequence=2),
        an_op("reader", "system", at=2.0, message=message),
    )


class Structure(HTMLParser):
    """Checks that tags nest, and collects them with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def structure(text: str) -> Structure:
    parsed = Structure()
    parsed.feed(text)
    parsed.close()
    return parsed


def test_the_page_is_well_formed() -> None:
    parsed = structure(page(clean_run()))

    assert parsed.open == []


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = page(clean_run())
    parsed = structure(text)

    assert not re.search(r"src=|href=\"[^#]|@import|url\(", text)
    assert [tag for tag, _ in parsed.seen if tag in ("link", "img", "iframe", "object")] == []
    assert "default-src 'none'" in text


def test_the_head_says_whose_code_ran_and_which_clock_the_times_are_of() -> None:
    text = page(a_loss(), {"app": "as-specified", "debounce": "off", "pace": 1.0, "time_factor": 5.0})

    assert "clean, seed 7, on embedded, app as-specified, debounce off, pace 1, time factor 5" in text
    assert "Times are of the run&#39;s clock, 5 times as fast as real time." in text


def losses(*readers: str, events: int) -> History:
    """Events that are committed and reach none of the readers, while a fault holds on all of them."""
    return a_history(
        started(at=0.0),
        *map(subscribed, readers),
        an_op("nemesis", "fault", at=0.5, type="invoke", fault="offline", link="*"),
        *(op for number in range(events) for op in (emitted(number, at=1.0 + number / 10), committed(number))),
        an_op("story", "settle", at=1000.0, timeout=1.0),
    )


def test_findings_of_one_kind_are_one_story_which_can_be_unfolded() -> None:
    history = losses("reader", events=60)
    verdicts = judge({"accounting": CHECKERS["accounting"]()}, history)

    text = html(HEADER, history, verdicts, account(history))

    assert text.count('<article class="card finding">') == 1
    assert "reader never applied 60 events of article, 0 to 59 (60 step_update)" in text
    assert '<span class="badge">60 ×</span>' in text
    assert text.count("<li>reader never applied event") == SHOWN_FINDINGS
    assert "And 10 more: <code>verdict.json</code> has them all." in text


def test_the_faults_are_listed_with_what_they_mean() -> None:
    text = page(losses("reader", events=3))

    assert "<code>offline</code>" in text
    assert "the reader&#39;s machine had no network, and knew it" in text
    assert text.count('class="band"') == 1


def test_a_run_without_faults_has_no_list_of_them() -> None:
    assert "<h2>Faults</h2>" not in page(a_loss())


def test_the_page_of_twenty_readers_and_a_thousand_findings_stays_small() -> None:
    history = losses(*(f"reader-{number}" for number in range(20)), events=50)
    findings = judge({"accounting": CHECKERS["accounting"]()}, history)["accounting"].findings

    size = len(page(history).encode())

    assert (len(findings), size < 2_000_000) == (1000, True)


@pytest.mark.parametrize("expected", ["Every claim held.", "One article, two browsers", "seed 7", "postgres", "18.6"])
def test_the_page_says_what_was_run_and_how_it_went(expected: str) -> None:
    assert expected in page(clean_run())


def test_a_finding_is_told_in_words() -> None:
    text = page(a_loss())

    assert "claims were broken: accounting" in text
    assert "reader never applied event 1 (step_update) of article" in text
    assert "last seen at commit" in text


def test_each_checker_is_shown_with_its_own_trial() -> None:
    text = page(a_loss())

    for name in CHECKERS:
        bug = TRIALS[name].bug
        assert f"This judge was tried: it convicted a run in which {bug}, and acquitted the same run without" in text


def test_a_checker_that_fails_its_trial_is_shown_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Trial(bug="it is late", convicted=False, acquitted=True)
    monkeypatch.setattr("harness.report.html.trial", lambda name: failed if name == "order" else None)

    text = page(a_loss())

    assert (
        '<p class="trial failed">This judge was tried: it did NOT convict a run in which it is late, and acquitted the '
        "same run without that.</p>"
    ) in text
    assert text.count("This judge was tried") == 1


def test_everything_from_outside_is_escaped() -> None:
    base = a_loss(HOSTILE)
    ops = [replace(op, actor=HOSTILE if op.actor == "reader" else op.actor, error=HOSTILE) for op in base]
    renamed = [
        replace(op, value=Value({**op.value, **{key: HOSTILE for key in ("event_type", "process") if key in op.value}}))
        for op in ops
    ]

    text = page(History(renamed), {"title": HOSTILE, "scenario": HOSTILE, "versions": {HOSTILE: HOSTILE}})

    parsed = structure(text)
    assert [tag for tag, _ in parsed.seen].count("script") == 1
    assert not [attrs for _, attrs in parsed.seen if "onload" in attrs]
    assert "&lt;script&gt;alert(" in text


def test_a_mark_of_a_hostile_event_is_escaped() -> None:
    crash = an_op("app", "crash", at=1.0, type="info", error=HOSTILE, process_id="p1")
    step = an_op("story", "step", at=1.0, type="invoke", step=HOSTILE, reader=HOSTILE)

    text = page(a_history(emitted(1), crash, step))

    assert [tag for tag, _ in structure(text).seen].count("script") == 1
    assert "&lt;script&gt;" in text


def test_secrets_do_not_reach_the_page() -> None:
    text = page(a_loss(f"ws://h/?apikey={TOKEN}"), {"jwt_secret": "quite-secret", "note": f"token {TOKEN}"})

    assert TOKEN not in text
    assert "quite-secret" not in text


def test_a_lone_surrogate_does_not_break_the_page() -> None:
    assert page(a_loss(), {"note": "a\ud800b"}).encode()


def test_an_empty_history_has_a_page() -> None:
    text = page(History())

    assert "It could not be judged: " in text
    assert "No event was owed to anybody." in text


def test_the_bins_of_every_reader_are_shown_with_their_sum() -> None:
    text = " ".join(page(clean_run()).split())

    assert '<tr class="total"><td>owed</td><td class="n">47</td><td class="n">47</td><td class="n">94</td>' in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0008, "0.8 ms"), (0.0124, "12 ms"), (1.3, "1.30 s"), (-0.002, "-2.0 ms"), (0, "0.0 ms")]
)
def test_times_are_written_for_people(seconds: float, text: str) -> None:
    assert milliseconds(seconds) == text
