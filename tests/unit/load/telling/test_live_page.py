"""What Locust's web UI shows of a run."""

from harness.checkers.checker import Finding, Valid, Verdict
from load.judging.judged import Judged
from load.plan import Plan
from load.telling.live import DELIVER, PUBLISH, WAKE, Live
from load.telling.live_page import live_page, live_picture
from load.telling.pictures import Moment

VALID = Verdict(valid=Valid.YES, looked_at=1)


def a_live() -> Live:
    live = Live()
    for at in (0.5, 1.5, 2.5):
        live.add(DELIVER, "heartbeat", 0.020, at=at)
        live.add(PUBLISH, "heartbeat", 0.004, at=at)
    live.add(WAKE, "until live", 0.3, at=1.2)
    live.add(WAKE, "until live", 0.3, at=2.2)
    return live


def a_picture(live: Live, *, state: str = "running", judged: Judged | None = None, plan: Plan | None = None) -> str:
    types = {"heartbeat": Moment(count=3, p50=0.02, p99=0.03)}
    link = None if judged is None else "run/report.html"
    return live_picture(live, types, plan=plan, state=state, judged=judged, link=link)


def test_before_a_run_it_is_said_what_to_do() -> None:
    told = live_picture(Live(), {}, plan=None, state="ready", judged=None, link=None)

    assert 'data-standing="no run yet"' in told
    assert "<svg" not in told


def test_a_run_that_goes_on_has_charts() -> None:
    told = a_picture(a_live(), plan=Plan(debounce="off"))

    assert 'data-standing="running"' in told
    assert "debounce off, 4 writers" in told
    assert told.count('<svg class="plot"') == 3
    assert "<code>heartbeat</code>" in told
    assert "storm: 2 back" in told


def test_what_is_counted_in_a_second_that_goes_on_is_not_drawn() -> None:
    growing, over = (a_picture(a_live(), plan=Plan(), state=state) for state in ("running", "stopped"))

    assert "at 2.5 s: delivered live" not in growing
    assert "at 2.5 s: delivered live 1 events/s" in over


def test_after_the_end_there_is_the_verdict_with_its_reasons_and_the_way_to_the_page() -> None:
    claims = {"order": Verdict.invalid(Finding("<swapped>"), looked_at=1), "events offered": VALID}
    judged = Judged(plan=Plan(), figures={}, checked={}, claims=claims)

    told = a_picture(a_live(), plan=Plan(), state="stopped", judged=judged)

    assert 'data-standing="invalid"' in told
    assert "Not as expected" in told
    assert '<li class="invalid">order: &lt;swapped&gt;</li>' in told
    assert '<a href="run/report.html"' in told


def test_a_run_that_ended_without_a_verdict_is_not_shown_as_one_that_goes_on() -> None:
    told = a_picture(a_live(), plan=Plan(), state="stopped")

    assert 'data-standing="not judged"' in told


def test_what_failed_is_told() -> None:
    live = a_live()
    live.add(PUBLISH, "heartbeat", 0.0, at=2.6, failed=True)

    assert "<dt>failed</dt><dd>1</dd>" in a_picture(live, plan=Plan())
    assert "<dt>failed</dt>" not in a_picture(a_live(), plan=Plan())


def test_the_page_fetches_nothing_from_elsewhere() -> None:
    page = live_page()

    assert "http" not in page
    assert 'id="picture"' in page
