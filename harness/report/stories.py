"""Groups what a checker found into stories: findings of one kind, place and circumstance are told as one."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from harness.checkers.checker import Finding
from harness.history.secrets import hide_secrets
from harness.report.circumstances import Circumstances
from harness.report.explain import explain
from harness.report.explain_many import explain_many, value_of, when, who
from harness.report.windows import Kind

T = TypeVar("T")

FEW: Final = 2
"""So many findings of one kind are told one by one: each says more by itself."""

_PLACE: Final = ("process_id", "last_hop", "next_hop", "topic", "handler", "column", "why", "how", "had_it_before")
_OUTAGE: Final = ("lost_at", "back_at", "joined_at", "ready_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happened, in words, and the findings that say so: all of one kind, in the checker's order."""

    what: str
    text: str
    findings: tuple[Finding, ...]


def stories(findings: Sequence[Finding], circumstances: Circumstances) -> Sequence[Story]:
    """The findings of one checker as stories, in the order in which each begins; every finding is in one of them.

    Together is told what one reader lost, got twice, … at the same place of the line in the same outage, or else
    under the same faults, and then what befell several readers in the same way with the same events.
    """
    of_reader = _grouped(findings, lambda finding: _of_reader(finding, circumstances))
    alike = _grouped(of_reader, _of_all)
    groups = [[finding for group in same for finding in group] for same in alike]
    told = [part for group in groups for part in (([one] for one in group) if len(group) <= FEW else [group])]
    return [_story(part, circumstances) for part in told]


def _story(findings: Sequence[Finding], circumstances: Circumstances) -> Story:
    first = findings[0]
    text = explain_many(findings, circumstances) if findings[1:] else explain(first, circumstances)
    return Story(what=first.what, text=hide_secrets(text), findings=tuple(findings))


def _of_reader(finding: Finding, circumstances: Circumstances) -> Hashable:
    """What findings of one reader must have in common."""
    held = circumstances.held(who(finding), when(finding))
    offline = [window for window in held if window.kind is Kind.OFFLINE]
    same = [repr(finding.detail.get(key)) for key in _OUTAGE]
    return finding.what, who(finding), _place(finding), tuple(same), tuple(offline or held)


def _of_all(findings: Sequence[Finding]) -> Hashable:
    """What the findings of several readers must have in common: the same events, if they are about events."""
    numbers = tuple(repr(value_of(finding, "sequence")) for finding in findings)
    return findings[0].what, _place(findings[0]), numbers


def _place(finding: Finding) -> Hashable:
    never = [key for key in ("applied_at", "ready_at") if finding.detail.get(key, 0.0) is None]
    return (*never, *(repr(value_of(finding, key)) for key in _PLACE))


def _grouped(items: Iterable[T], key: Callable[[T], Hashable]) -> Sequence[list[T]]:
    groups: dict[Hashable, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())
