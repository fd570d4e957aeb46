"""Counters, timers and channels return to where they were."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from harness.checkers.checker import Finding, Verdict
from harness.history import History, Op


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Convicts every count that is larger in the census `after` than in the one `before`, by more than `tolerance`.

    The first census of that label `before` and the last one `after` are compared. A count that one of them does not
    have is nothing there. `ignore` are names of counts that do not matter; `*` stands for anything. Unknown if one
    of the two was not taken.
    """

    before: str = "before"
    after: str = "after"
    tolerance: int = 0
    ignore: tuple[str, ...] = ()

    def check(self, history: History) -> Verdict:
        earlier = history.where(f="census", label=self.before)
        later = history.where(f="census", label=self.after)
        for label, taken in ((self.before, earlier), (self.after, later)):
            if not taken:
                return Verdict.unknown(f"the history has no census {label!r}")
        first, last = earlier[0], later[-1]
        names = sorted(name for name in {*first.value.counts, *last.value.counts} if not self._ignores(name))
        return Verdict.of((found for name in names if (found := self._leak(name, first, last))), looked_at=len(names))

    def _ignores(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.ignore)

    def _leak(self, name: str, first: Op, last: Op) -> Finding | None:
        before, after = first.value.counts.get(name, 0), last.value.counts.get(name, 0)
        if after <= before + self.tolerance:
            return None
        return Finding("leak", (first, last), {"count": name, "before": before, "after": after})
