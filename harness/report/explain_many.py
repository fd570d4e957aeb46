"""Tells many findings of one kind that belong together as one: how many, which events, when, and why."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from typing import Any, Final

from harness.checkers.checker import Finding
from harness.history.facts import moment
from harness.history.hops import COMMIT
from harness.report.circumstances import Circumstances, Moment, debounced, hop_words
from harness.report.explain import explain
from harness.report.words import listed

_SHOWN_TYPES: Final = 3
_SHOWN_RANGES: Final = 6


def value_of(finding: Finding, key: str) -> Any:
    """What a finding says under `key`, or else the last of its ops that says something."""
    if key in finding.detail:
        return finding.detail[key]
    return next((op.value[key] for op in reversed(finding.ops) if key in op.value), None)


def who(finding: Finding) -> str:
    """The reader that a finding is about, or nothing."""
    return str(finding.detail.get("reader") or (finding.ops[-1].actor if finding.ops else ""))


def when(finding: Finding) -> float:
    """When a finding happened: when its event was committed, or else its last op."""
    if finding.detail.get("committed_at") is not None:
        return float(finding.detail["committed_at"])
    commit = next((op for op in finding.ops if op.f == COMMIT), None)
    if commit is not None:
        return moment(commit)
    return finding.ops[-1].time if finding.ops else 0.0


def explain_many(findings: Sequence[Finding], circumstances: Circumstances) -> str:
    """A few sentences on findings of one kind that belong together; a kind without words here by its first one."""
    crowd = Crowd(findings=findings, circumstances=circumstances)
    teller = _TELLERS.get(findings[0].what)
    if teller is not None:
        return teller(crowd)
    what = crowd.events if len(crowd.sequences) == len(findings) else f"{len(findings)} times"
    whose = f", for {crowd.readers}" if crowd.are_many else ""
    return f"{what}{whose}, {crowd.time}. The first: {explain(findings[0], circumstances)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Findings of one kind, and the words for what they have in common."""

    findings: Sequence[Finding]
    circumstances: Circumstances

    @property
    def names(self) -> Sequence[str]:
        return list(dict.fromkeys(map(who, self.findings)))

    @property
    def are_many(self) -> bool:
        return len(self.names) > 1

    @property
    def readers(self) -> str:
        return listed(self.names)

    @property
    def process(self) -> str:
        return self.circumstances.process(value_of(self.findings[0], "process_id"))

    @property
    def sequences(self) -> Sequence[int]:
        return sorted({number for one in self.findings if isinstance(number := value_of(one, "sequence"), int)})

    @property
    def events(self) -> str:
        """`16 events of article, 31 to 46 (14 section_chunk, 2 state_updated)`."""
        types = {value_of(one, "event_id"): str(value_of(one, "event_type") or "event") for one in self.findings}
        counts = Counter(types.values()).most_common()
        told = ", ".join(f"{number} {name}" for name, number in counts)
        kinds = told if len(counts) <= _SHOWN_TYPES else f"of {len(counts)} types"
        numbers = f", {_ranges(self.sequences)}" if self.sequences else ""
        return f"{len(types)} event{'s' if len(types) > 1 else ''} of {self.process}{numbers} ({kinds})"

    @property
    def time(self) -> str:
        return span(map(when, self.findings))

    @property
    def stretch(self) -> str:
        last, following = self.findings[0].detail["last_hop"], self.findings[0].detail["next_hop"]
        if following is None:
            return f"They were last seen at {last}."
        return f"They were last seen at {last} and never at {hop_words(following)}: lost between the two."

    @property
    def around(self) -> str:
        return self.circumstances.around(*self._moments)

    def at(self, key: str) -> str:
        """The times that the findings have under a key."""
        return span(one.detail[key] for one in self.findings if one.detail[key] is not None)

    def believed(self, more: str = "") -> str:
        process_id = value_of(self.findings[0], "process_id")
        return self.circumstances.believed(*self._moments, process_id=process_id, more=more)

    @property
    def rights(self) -> str:
        return self.circumstances.rights(self.names[0], when(self.findings[0]))

    @property
    def first(self) -> Mapping[str, Any]:
        return self.findings[0].detail

    @property
    def _moments(self) -> Sequence[Moment]:
        return [(who(one), when(one)) for one in self.findings]


def span(times: Iterable[float]) -> str:
    """`at 1.000 s`, or `from 1.000 to 2.000 s`."""
    told = [f"{time:.3f}" for time in sorted(times)]
    return f"at {told[0]} s" if told[0] == told[-1] else f"from {told[0]} to {told[-1]} s"


def _ranges(numbers: Sequence[int]) -> str:
    """`1 to 3, 5 and 8 to 10`."""
    place = count()
    runs = [list(run) for _, run in groupby(numbers, key=lambda number: number - next(place))]
    told = [f"{run[0]} to {run[-1]}" if run[2:] else ", ".join(map(str, run)) for run in runs]
    return listed(told, shown=_SHOWN_RANGES)


def _lost(crowd: Crowd) -> str:
    believed = crowd.believed(", and was told of nothing")
    return (
        f"{crowd.readers} never applied {crowd.events}, committed {crowd.time}. {crowd.stretch}{crowd.around}{believed}"
    )


def _unpublished(crowd: Crowd) -> str:
    return (
        f"The application emitted {crowd.events} {crowd.time}; they were never committed, and the application was not "
        f"told, so {crowd.readers} cannot have them. {crowd.stretch}{debounced(crowd.findings, 'them')}"
        f"{crowd.around}"
    )


def _lost_before_ready(crowd: Crowd) -> str:
    ready = "it never became ready" if crowd.first["ready_at"] is None else f"it was ready {crowd.at('ready_at')}"
    return (
        f"{crowd.readers} never applied {crowd.events}, committed {crowd.time}. The join of {crowd.first['topic']} was "
        f"answered {crowd.at('joined_at')}, and {ready}: what is committed between the two is not delivered, and "
        f"nobody fetched it.{crowd.around}{crowd.believed()}"
    )


def _not_recovered(crowd: Crowd) -> str:
    did = "never applied" if crowd.first["applied_at"] is None else f"only {crowd.at('applied_at')} applied"
    return (
        f"{crowd.readers} {'were' if crowd.are_many else 'was'} cut off {crowd.at('lost_at')} and online again "
        f"{crowd.at('back_at')}, and {did} {crowd.events}, committed {crowd.time}.{crowd.around}{crowd.believed()}"
    )


def _applied_twice(crowd: Crowd) -> str:
    return f"{crowd.readers} applied {crowd.events} more than once, {crowd.time}.{crowd.around}"


def _same_event_again(crowd: Crowd) -> str:
    return (
        f"{crowd.readers} applied {crowd.events} {crowd.time}, each of which is an earlier event once more: the same "
        f"data under another id, so that no client can tell them apart.{crowd.around}"
    )


def _applied_again(crowd: Crowd) -> str:
    return (
        f"{crowd.readers} {'were' if crowd.are_many else 'was'} cut off {crowd.at('lost_at')}; coming back, what was "
        f"applied already was applied again: {crowd.events}, {crowd.time}."
    )


def _shown_too_old(crowd: Crowd) -> str:
    waited = sorted(one.detail["waited"] for one in crowd.findings)
    did = "never applied" if crowd.first["applied_at"] is None else f"applied {crowd.at('applied_at')}"
    return (
        f"{crowd.readers} said live and did not have {crowd.events}, committed {crowd.time} and {did}: for "
        f"{waited[0]:.1f} to {waited[-1]:.1f} s each.{crowd.around}"
    )


def _forbidden(crowd: Crowd) -> str:
    return (
        f"{crowd.readers} {'have' if crowd.are_many else 'has'} no right to {crowd.process} and yet got "
        f"{len(crowd.findings)} of its rows, {crowd.time} ({crowd.first['how']})."
    )


def _withheld(crowd: Crowd) -> str:
    return (
        f"{crowd.readers} may see {crowd.events}, but row security hid them, {crowd.time}, and they never came in "
        f"another way.{crowd.rights}{crowd.around}"
    )


def _truncated(crowd: Crowd) -> str:
    return (
        f"{crowd.readers} applied {crowd.events} without all of the data that was emitted, {crowd.time}, and took "
        f"them for whole.{crowd.around}"
    )


def _in_part(did: str) -> "Teller":
    def tell(crowd: Crowd) -> str:
        missing = list(dict.fromkeys(name for one in crowd.findings for name in one.detail["missing"]))
        errors = list(dict.fromkeys(str(error) for one in crowd.findings for error in one.detail["errors"]))
        why = [f"without {listed(missing)}"] if missing else []
        why += [f'with the error "{listed(errors, shown=1)}"'] if errors else []
        rows = f"{len(crowd.findings)} rows"
        return f"{crowd.readers} received {rows} {' and '.join(why)}, {crowd.time}, and {did}.{crowd.around}"

    return tell


def _not_taken(crowd: Crowd) -> str:
    return (
        f"The server sent {crowd.events} to {crowd.readers} {crowd.time}, on a socket that stayed open; no channel of "
        f"the client took them.{crowd.around}{crowd.believed()}"
    )


def _lost_at_callback(crowd: Crowd) -> str:
    return (
        f"The client of {crowd.readers} had the frames of {crowd.events} {crowd.time} and never delivered them: lost "
        f"at the callback.{crowd.around}{crowd.believed()}"
    )


Teller = Callable[[Crowd], str]

_TELLERS: Final[Mapping[str, Teller]] = {
    "lost_silent": _lost,
    "unpublished_silent": _unpublished,
    "lost_before_ready": _lost_before_ready,
    "not_recovered": _not_recovered,
    "applied_twice": _applied_twice,
    "same_event_again": _same_event_again,
    "applied_again": _applied_again,
    "shown_too_old": _shown_too_old,
    "forbidden": _forbidden,
    "withheld": _withheld,
    "truncated": _truncated,
    "part_missing": _in_part("did not notice: no gap was announced and nothing was asked for"),
    "shown_in_part": _in_part("what they say is shown"),
    "not_taken": _not_taken,
    "lost_at_callback": _lost_at_callback,
}
