"""What judges: the interface of checkers, their verdicts, and how verdicts combine."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, Self

from harness.history import History, Op


class Valid(StrEnum):
    """Three values, as in Jepsen: nothing looked at, or a checker that crashed, is unknown and never valid."""

    YES = "valid"
    NO = "invalid"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One counter-example: what is wrong, the ops that show it, and the data to tell it by."""

    what: str
    ops: tuple[Op, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a checker says of a history. `reason` tells why it is unknown."""

    valid: Valid
    looked_at: int = field(default=0, compare=False)
    findings: tuple[Finding, ...] = ()
    reason: str = ""

    @classmethod
    def of(cls, findings: Iterable[Finding], *, looked_at: int) -> Self:
        """Invalid with the findings, valid without any, unknown if nothing was looked at."""
        found = tuple(findings)
        if found:
            return cls(valid=Valid.NO, looked_at=looked_at, findings=found)
        if not looked_at:
            return cls.unknown("the history has nothing that this checker looks at")
        return cls(valid=Valid.YES, looked_at=looked_at)

    @classmethod
    def invalid(cls, *findings: Finding, looked_at: int = 0) -> Self:
        return cls(valid=Valid.NO, looked_at=looked_at, findings=findings)

    @classmethod
    def unknown(cls, reason: str) -> Self:
        return cls(valid=Valid.UNKNOWN, reason=reason)


class Checker(Protocol):
    """A claim over a history. A frozen dataclass whose fields are the claim's parameters."""

    def check(self, history: History) -> Verdict: ...


def compose(verdicts: Sequence[Verdict]) -> Valid:
    """What several verdicts say together, see `worst`."""
    return worst(verdict.valid for verdict in verdicts)


def worst(valid: Iterable[Valid]) -> Valid:
    """Invalid if any is invalid, else unknown if any is unknown or there is none, else valid."""
    values = set(valid)
    if Valid.NO in values:
        return Valid.NO
    return Valid.YES if values == {Valid.YES} else Valid.UNKNOWN


def judge(checkers: Mapping[str, Checker], history: History) -> dict[str, Verdict]:
    """The verdict of each checker, by name. A checker that crashes is unknown, and its error is the reason."""
    return {name: _verdict(checker, history) for name, checker in checkers.items()}


def _verdict(checker: Checker, history: History) -> Verdict:
    try:
        return checker.check(history)
    except Exception as error:  # whatever it is: a judge that breaks must not acquit, nor end the run
        return Verdict.unknown(f"the checker crashed: {type(error).__name__}: {error}")
