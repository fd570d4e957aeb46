"""Load runs as one HTML page that needs nothing else: verdicts with their reasons, figures, and the charts of them.

From what `result.json` has of each run, and from the knee of a search. The look is that of the report of a scenario.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined

from harness.history.accounting import Bin
from harness.report.words import BINS
from load.judging.histogram import Times
from load.judging.judged import Judged
from load.judging.knee import Knee
from load.telling.charts import Axis, Band, Chart, Mark, duration, latency_axis, number, ranges, seconds_axis
from load.telling.knee_table import sentence
from load.telling.pictures import (
    Moment,
    amounts,
    colour,
    knee_curve,
    latency_over_time,
    percentiles,
    shared_latency_axis,
    time_axis,
)
from load.telling.summary import SENTENCES, WORST_FIRST, reasons

LINKS: Final = {"locust.html": "Locust's report", "history.jsonl": "history", "result.json": "result"}
"""The files of a run that its page leads to, and how they are called there."""
_SILENT: Final = (Bin.LOST_SILENT, Bin.UNPUBLISHED_SILENT)
_NAMED_BY: Final = (
    "debounce",
    "app",
    "transport",
    "shape",
    "generations",
    "writers",
    "readers",
    "rate",
    "seconds",
    "seed",
)
"""What runs are told apart by, the first that differs first."""
_HEADLINES: Final = ("text kept %", "lost silently", "delivery p99 ms", "staleness p99 ms")
"""The figures that stand in a verdict."""
_SHARES: Final = ("p50", "p95", "p99", "p99.9")


_Row = tuple[str, str, Sequence[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run as it was judged; `told` is what else its `result.json` holds, `folder` where that is, seen from the
    page: empty if the page is beside it."""

    judged: Judged
    told: Mapping[str, Any]
    folder: str = ""

    @property
    def plan(self) -> Mapping[str, Any]:
        return asdict(self.judged.plan)

    @property
    def valid(self) -> str:
        return self.judged.valid.value

    @property
    def reasons(self) -> Sequence[tuple[str, str]]:
        return reasons(self.judged)

    @property
    def moments(self) -> Mapping[int, Moment]:
        """The seconds of the load in which something was due and delivered."""
        return {
            int(at): Moment(count=one["count"], p50=one["p50"] / 1000, p99=one["p99"] / 1000)
            for at, one in self.told.get("delivery by second", {}).items()
            if one["count"]
        }

    @property
    def accounting(self) -> Mapping[Bin, int]:
        counted = self.told.get("accounting", {})
        return {bin_: counted.get(str(bin_), 0) for bin_ in Bin}

    @property
    def headlines(self) -> Sequence[tuple[str, str]]:
        """The few figures that matter first, with their values."""
        figures = self.judged.figures
        return [(name, number(figures[name])) for name in _HEADLINES if name in figures]

    def link(self, file: str) -> str:
        return f"{self.folder}/{file}" if self.folder else file


def page(
    runs: Sequence[Run], *, knees: Mapping[str, Knee] | None = None, notes: Sequence[str] = (), title: str = "Load"
) -> str:
    """The page; whatever came from outside is escaped. The charts of several runs share their axes.

    A run that was not judged has no figures, and is told with its reason. Without runs it is the page of the `knees`.
    """
    names = run_names([run.plan for run in runs])
    named = dict(zip(names, runs, strict=True))
    return templates().get_template("page.html").render(
        title=title,
        notes=notes,
        runs=named,
        valid=next((valid for valid in WORST_FIRST if any(run.valid == valid for run in runs)), "unknown"),
        sentences=SENTENCES,
        links=LINKS,
        headline=_headline(runs),
        bins=[(bin_, BINS[bin_][0].value, BINS[bin_][1]) for bin_ in Bin],
        silent={name: _silent(run) for name, run in named.items()},
        figures=list(_figures(named)),
        over_time=list(_over_time(named)),
        percentiles=percentiles({name: _times(run, "delivery") for name, run in named.items()}),
        by_type=_by_type(named),
        backlog=list(_backlog(named)),
        usage=list(_usage(named)),
        knees=[(name, knee, sentence(knee), knee_curve(knee)) for name, knee in (knees or {}).items()],
        plan=list(_plan(named)),
    )  # fmt: skip


@cache
def templates() -> Environment:
    """Those of this package, and the style of the report of a scenario; made once, as live pages are drawn often."""
    own = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(
        loader=ChoiceLoader([own, PackageLoader("harness.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, duration=duration, colour=colour, words=_words)
    return environment


def run_names(plans: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """What tells them apart, or the debounce policy; runs of the same plan are numbered."""
    differing = [field for field in _NAMED_BY if len({plan.get(field) for plan in plans}) > 1] or ["debounce"]
    names = [" · ".join(_value(field, plan.get(field)) for field in differing) for plan in plans]
    return [
        f"{name} ({names[: at + 1].count(name)})" if names.count(name) > 1 else name for at, name in enumerate(names)
    ]


def _value(field: str, value: Any) -> str:
    return str(value) if isinstance(value, str) else f"{field} {value:g}"


def _words(text: object) -> str:
    return str(text).replace("_", " ")


def _headline(runs: Sequence[Run]) -> str:
    """What was offered, in one line; of several runs that of the first."""
    if not runs:
        return ""
    plan = runs[0].plan
    storm = f", {plan['storm']} of them in the storm" if plan["storm"] else ""
    readers = plan["writers"] * plan["readers"] + plan["storm"]
    return (
        f"{plan['writers']} writers say {plan['rate']:g} events/s each for {plan['seconds']:g} s; "
        f"{readers} readers stay{storm}, {plan['churners']} come and go"
    )


def _silent(run: Run) -> tuple[int, int]:
    """Deliveries that were lost in silence, and all that were owed."""
    return sum(run.accounting[bin_] for bin_ in _SILENT), sum(run.accounting.values())


def _figures(runs: Mapping[str, Run]) -> Iterator[tuple[str, Sequence[tuple[str, str]]]]:
    """Name, and for each run the value with what its claim says of it."""
    for name in dict.fromkeys(name for run in runs.values() for name in run.judged.figures):
        cells = []
        for run in runs.values():
            claim = run.judged.claims.get(name)
            cells.append((number(run.judged.figures.get(name)), "" if claim is None else claim.valid.value))
        yield name, cells


def _times(run: Run, name: str) -> Times:
    told = run.told.get("times", {}).get(name)
    return Times() if told is None else Times.decoded(told["hdr"])


def _over_time(runs: Mapping[str, Run]) -> Iterator[tuple[str, Chart]]:
    moments = {name: run.moments for name, run in runs.items()}
    shown = [each for each in moments.values() if each]
    if not shown:
        return
    x = time_axis(shown, end=max(run.plan["seconds"] for run in runs.values()))
    y = shared_latency_axis(shown)
    for name, run in runs.items():
        if not moments[name]:
            continue
        warm_up = run.plan["warm_up"]
        bands = (Band(start=0, end=warm_up, name="warm-up"),) if warm_up else ()
        yield name, latency_over_time(name, moments[name], x=x, y=y, marks=list(_events(run)), bands=bands)


def _events(run: Run) -> Iterator[Mark]:
    """What happened at a time of its own. When the storm of several generations was is not in the plan."""
    plan = run.plan
    if plan["storm"] and plan["generations"] == 1:
        yield Mark(at=run.judged.plan.middle, name=f"storm: {plan['storm']} tabs")
    if (at := run.told.get("first lost at s")) is not None:
        yield Mark(at=at, name="first event lost", colour="limit")


def _by_type(runs: Mapping[str, Run]) -> tuple[Sequence[_Row], str]:
    """Event type, its percentiles in each run, and their ranges as a picture, the slowest first; and the scale."""
    of_run = [run.told.get("delivery by type", {}) for run in runs.values()]
    kinds = dict.fromkeys(kind for each in of_run for kind in each)
    found = {kind: [each.get(kind) for each in of_run] for kind in kinds}
    met = {kind: [one for one in ones if one and one["count"]] for kind, ones in found.items()}
    values = [one[share] / 1000 for ones in met.values() for one in ones for share in ("p50", "p99")]
    axis = latency_axis(values, name="delivery")
    slowest = sorted(met, key=lambda kind: max((one["p99"] for one in met[kind]), default=0.0), reverse=True)
    rows = [(kind, _ranges(list(runs), found[kind], axis), found[kind]) for kind in slowest]
    return rows, f"from {duration(axis.low)} to {duration(axis.high)}"


def _ranges(names: Sequence[str], ones: Sequence[Mapping[str, Any] | None], axis: Axis) -> str:
    return ranges(
        [
            (colour(place), one["p50"] / 1000, one["p99"] / 1000, f"{name}: {_spoken(one)}")
            for place, (name, one) in enumerate(zip(names, ones, strict=True))
            if one and one["count"]
        ],
        axis,
    )


def _spoken(one: Mapping[str, Any]) -> str:
    shares = ", ".join(f"{share} {duration(one[share] / 1000)}" for share in _SHARES)
    return f"{shares} of {one['count']}"


def _backlog(runs: Mapping[str, Run]) -> Iterator[Chart]:
    """One picture of all runs: what was due and not yet shown at the end of each second."""
    waiting = {
        name: {float(at) + 1: float(count) for at, count in run.told["backlog by second"].items()}
        for name, run in runs.items()
        if run.told.get("backlog by second")
    }
    if waiting:
        x = seconds_axis(0, max(max(each) for each in waiting.values()), name="seconds of the load")
        grows = [(name, run.told.get("backlog grows at s")) for name, run in runs.items()]
        marks = [Mark(at=at, name=f"{name}: grows", colour="limit") for name, at in grows if at is not None]
        yield amounts("backlog", waiting, x=x, unit="deliveries waiting", marks=marks)


def _usage(runs: Mapping[str, Run]) -> Iterator[tuple[str, Chart, Chart]]:
    """Of each run that was measured: processor and memory of each process."""
    for name, run in runs.items():
        processes = {process: ones for process, ones in run.told.get("usage by second", {}).items() if ones}
        if processes:
            read = [one["second"] for ones in processes.values() for one in ones]
            x = seconds_axis(min(0.0, *read), max(read), name="seconds of the load")
            cores, memory = (
                {process: {one["second"]: one[what] for one in ones} for process, ones in processes.items()}
                for what in ("cpu", "mib")
            )
            yield name, amounts("processor", cores, x=x, unit="cores"), amounts("memory", memory, x=x, unit="MiB")


def _plan(runs: Mapping[str, Run]) -> Iterator[tuple[str, Sequence[str]]]:
    fields = dict.fromkeys(field for run in runs.values() for field in run.plan)
    for field in fields:
        values = [run.plan.get(field, "–") for run in runs.values()]
        yield field, [value if isinstance(value, str) else f"{value:g}" for value in values]
