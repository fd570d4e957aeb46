"""What a load run must come to: bounds of its figures and what checkers must say, as `thresholds.toml` has them.

Between the figures and the exit code.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.checkers import CHECKERS
from harness.checkers.checker import Finding, Valid, Verdict
from harness.errors import UsageError

FILE: Final = Path(__file__).parent.parent / "thresholds.toml"
_EVERY: Final = "every"
_ANY_OTHER: Final = "any-other"


class Bounds(BaseModel):
    """Within which a figure must be; one that could not be measured is `unknown`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at_least: float | None = None
    at_most: float | None = None
    otherwise: Literal["invalid", "unknown"] = "invalid"

    def verdict(self, name: str, value: float | None) -> Verdict:
        """What is to be said of a figure of that name."""
        if value is None:
            return Verdict.unknown(f"{name} could not be measured")
        if (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most):
            return Verdict(valid=Valid.YES, looked_at=1)
        told = f"{name} is {value:.4g}, and must be {self.words()}"
        if self.otherwise == "unknown":
            return Verdict.unknown(told)
        return Verdict.invalid(Finding(told), looked_at=1)

    def words(self) -> str:
        bounds = (("at least", self.at_least), ("at most", self.at_most))
        return " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)


class Thresholds(BaseModel):
    """Of one policy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    acquitted_by: tuple[str, ...] = ()
    convicted_by: tuple[str, ...] = ()
    figures: Mapping[str, Bounds] = Field(default_factory=dict)

    def verdicts(
        self, figures: Mapping[str, float | None], checked: Mapping[str, Verdict]
    ) -> Iterator[tuple[str, Verdict]]:
        """Each claim with its verdict, the figures in their order, then the checkers."""
        for name, bounds in self.figures.items():
            yield name, bounds.verdict(name, figures.get(name))
        for name in self.acquitted_by:
            yield name, checked[name]
        for name in self.convicted_by:
            yield f"convicted by {name}", _convicted(name, checked[name])


def thresholds_for(policy: str, file: Path = FILE) -> Thresholds:
    """Those of a debounce policy with those for every one; raises `UsageError` if the file cannot be read."""
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
        sections = {name: Thresholds.model_validate(section) for name, section in told.items()}
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise UsageError(f"{file} cannot be read as thresholds: {error}") from error
    own = sections.get(policy) or sections.get(_ANY_OTHER) or Thresholds()
    unknown = {*own.acquitted_by, *own.convicted_by} - CHECKERS.keys()
    if unknown:
        raise UsageError(f"{file} names no checkers of ours: {', '.join(sorted(unknown))}")
    every = sections.get(_EVERY, Thresholds())
    return own.model_copy(update={"figures": {**every.figures, **own.figures}})


def _convicted(name: str, verdict: Verdict) -> Verdict:
    """Valid if it is invalid: what was expected to be found was found."""
    if verdict.valid is Valid.NO:
        return Verdict(valid=Valid.YES, looked_at=verdict.looked_at)
    if verdict.valid is Valid.UNKNOWN:
        return verdict
    return Verdict.invalid(Finding(f"{name} found nothing, and should have"), looked_at=verdict.looked_at)
