"""A run as one HTML page that needs nothing else: no network, no other file, no script from elsewhere."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from harness.checkers.checker import Finding, Verdict, compose
from harness.checkers.trials import trial
from harness.history import History, Op
from harness.history.accounting import Accounts, Bin
from harness.history.secrets import hide_secrets, names_a_secret
from harness.report.circumstances import Circumstances
from harness.report.conditions import notes, run_words
from harness.report.explain import explain
from harness.report.latency import latencies
from harness.report.stories import Story, stories
from harness.report.timeline import timeline
from harness.report.windows import Kind, Window
from harness.report.words import BINS, CLAIMS, EXTRAS, FAULTS, STEPS_OF_THE_LINE, headline, in_short, trial_words

SHOWN_STORIES: Final = 50
"""How many stories of a checker the page tells, and how many findings of each; `verdict.json` has them all."""
SHOWN_FINDINGS: Final = 50
_SHOWN_VALUE: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldStory:
    """A story with what who doubts it may unfold: its findings one by one, and the ops of the first."""

    story: Story
    findings: Sequence[tuple[str, str]]
    ops: Sequence[tuple[Op, str]]


def html(header: Mapping[str, Any], history: History, verdicts: Mapping[str, Verdict], accounts: Accounts) -> str:
    """The page. Everything that came from outside is escaped; tokens and keys are hidden."""
    circumstances = Circumstances.of(history)
    valid = compose(list(verdicts.values()))
    page = _template().render(
        header=header,
        settings=list(_settings(header)),
        run=run_words(header),
        notes=notes(header),
        valid=valid,
        headline=headline(verdicts),
        summary=in_short(accounts),
        history=history,
        verdicts=verdicts,
        trials={name: trial(name) for name in verdicts},
        claims=CLAIMS,
        trial_words=trial_words,
        stories={name: _told(verdict.findings, circumstances) for name, verdict in verdicts.items()},
        shown_stories=SHOWN_STORIES,
        shown_findings=SHOWN_FINDINGS,
        faults=_faults(circumstances.windows),
        accounts=accounts,
        bins=_bins(accounts),
        extras=[(extra, count, EXTRAS[extra]) for extra, count in accounts.by_extra().items()],
        by_reader=accounts.by_reader(),
        by_type=accounts.by_type(),
        timeline=timeline(history, accounts),
        stretches=latencies(history),
        number=_Numbers(),
        hops=STEPS_OF_THE_LINE,
    )
    return hide_secrets(page).encode("utf-8", "replace").decode()


class _Numbers:
    """Short names for event ids: the page repeats them on every lane."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __call__(self, event_id: str) -> int:
        return self._numbers.setdefault(event_id, len(self._numbers))


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["ms"] = milliseconds
    environment.filters["words"] = lambda text: str(text).replace("_", " ")
    return environment.get_template("report.html")


def milliseconds(seconds: float) -> str:
    """A time for people: `0.8 ms`, `12 ms`, `1.3 s`."""
    if abs(seconds) >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.1f} ms" if abs(seconds) < 0.01 else f"{seconds * 1000:.0f} ms"


def _settings(header: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was run, flat; nothing whose name says that it is a secret."""
    for key, item in header.items():
        if key in ("title", "format", "checkers") or names_a_secret(key):
            continue
        if isinstance(item, Mapping):
            yield from ((str(name), _text(value)) for name, value in item.items() if not names_a_secret(str(name)))
        else:
            yield key, _text(item)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _told(findings: Sequence[Finding], circumstances: Circumstances) -> Sequence[ToldStory]:
    return [
        ToldStory(
            story=story,
            findings=[
                (explain(finding, circumstances), ", ".join(str(op.index) for op in finding.ops))
                for finding in (story.findings[:SHOWN_FINDINGS] if story.findings[1:] else ())
            ],
            ops=[(op, _shortened(op)) for op in story.findings[0].ops],
        )
        for story in stories(findings, circumstances)
    ]


def _faults(windows: Sequence[Window]) -> Sequence[tuple[Window, str]]:
    """What the nemesis did, each with what it means."""
    return [(window, FAULTS.get(window.name, "")) for window in windows if window.kind is Kind.FAULT]


def _shortened(op: Op) -> str:
    text = json.dumps(dict(op.value), ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_VALUE else f"{text[:_SHOWN_VALUE]}…"


def _bins(accounts: Accounts) -> Sequence[tuple[Bin, int, str, str]]:
    """Bin, count, mood and meaning, in the order of contract 5."""
    return [(bin_, count, BINS[bin_][0].value, BINS[bin_][1]) for bin_, count in accounts.by_bin().items()]
