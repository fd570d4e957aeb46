"""What Locust's web UI shows of a load run: a page that asks for its picture again and again, and that picture.

From `load.telling.live` and the judgement to HTML. The charts are drawn here, so that the page has no script but for
asking.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from load.judging.judged import Judged
from load.plan import Plan
from load.telling.charts import Axis, Chart, Mark, duration, latency_axis, number, ranges, seconds_axis
from load.telling.live import DELIVER, PUBLISH, RECOVER, WAKE, Live
from load.telling.page import templates
from load.telling.pictures import Moment, amounts, latency_over_time, shared_latency_axis
from load.telling.summary import SENTENCES, reasons

_RATES: Final = {DELIVER: "delivered live", PUBLISH: "published", RECOVER: "fetched"}
_NO_RUN: Final = ("none", "no run yet", "Start one with the form of Locust: its charts come here.")
_STOPPED: Final = ("unknown", "not judged", "The run has ended and was not judged: the log says why.")


def live_page() -> str:
    """The page around the picture."""
    return templates().get_template("live.html").render()


def live_picture(
    live: Live, types: Mapping[str, Moment], *, plan: Plan | None, state: str, judged: Judged | None, link: str | None
) -> str:
    """What there is to be seen now, as a part of the page. `state` is that of Locust's runner, `link` leads to the page
    of the run that was `judged`."""
    tone, badge, sentence = _standing(plan, state, judged)
    return (
        templates()
        .get_template("picture.html")
        .render(
            tone=tone,
            badge=badge,
            sentence=sentence,
            reasons=[] if judged is None else reasons(judged),
            link=link,
            tiles=_tiles(live),
            charts=_charts(live, over=state == "stopped") if live.counts else [],
            types=_types(types),
        )
    )


def _standing(plan: Plan | None, state: str, judged: Judged | None) -> tuple[str, str, str]:
    """Colour, word and sentence of how it stands with the run."""
    if plan is None:
        return _NO_RUN
    if judged is not None:
        return judged.valid.value, judged.valid.value, f"{SENTENCES[judged.valid.value].capitalize()}: {plan.told}."
    return _STOPPED if state == "stopped" else ("running", "running", f"{plan.told}.")


def _tiles(live: Live) -> Sequence[tuple[str, str]]:
    """How many in all, and the last second that is over."""
    told = [(name, number(live.counts[kind])) for kind, name in _RATES.items()]
    if failed := live.failed.total():
        told.append(("failed", number(failed)))
    over = list(live.moments(DELIVER).values())[:-1]
    if over:
        told += [("shown in the last second", number(over[-1].count)), ("p99 of these", duration(over[-1].p99))]
    return told


def _charts(live: Live, *, over: bool) -> Sequence[tuple[str, Chart]]:
    """Over one and the same stretch of time; what is counted is not shown of a second that still goes on."""
    by_kind = {kind: live.moments(kind) for kind in _RATES}
    seconds = [at for moments in by_kind.values() for at in moments]
    x = seconds_axis(min(seconds, default=0), max(seconds, default=0) + 1, name="seconds since the first event")
    back = min(live.moments(WAKE), default=None)
    storm = [] if back is None else [Mark(at=back + 0.5, name=f"storm: {live.counts[WAKE]} back")]
    whole = max(seconds, default=0) + (1 if over else 0)
    rates = {
        name: {at + 0.5: float(one.count) for at, one in by_kind[kind].items() if at < whole}
        for kind, name in _RATES.items()
        if by_kind[kind]
    }
    delivery, publish = by_kind[DELIVER], by_kind[PUBLISH]
    return [
        ("delivery: due until shown", latency_over_time("delivery", delivery, x=x, y=_y(delivery), marks=storm)),
        ("events per second", amounts("events per second", rates, x=x, unit="events/s", marks=storm)),
        ("publish: due until inserted", latency_over_time("publish", publish, x=x, y=_y(publish), marks=storm)),
    ]


def _y(moments: Mapping[int, Moment]) -> Axis:
    return shared_latency_axis([moments])


def _types(types: Mapping[str, Moment]) -> Sequence[tuple[str, str, Moment]]:
    """Event type, its range from p50 to p99 as a picture, and its figures, the slowest first."""
    axis = latency_axis([value for one in types.values() for value in (one.p50, one.p99)], name="delivery")
    slowest = sorted(types.items(), key=lambda one: -one[1].p99)
    return [
        (kind, ranges([("c1", one.p50, one.p99, f"{kind}: {duration(one.p50)} to {duration(one.p99)}")], axis), one)
        for kind, one in slowest
    ]
