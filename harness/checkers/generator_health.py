"""The load was offered on time, or the run says nothing about the system under it."""

from dataclasses import dataclass

from harness.checkers.checker import Verdict
from harness.history import History
from harness.history.hops import EMIT
from harness.history.percentile import percentile


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorHealth:
    """Looks at how much later events were emitted than they were `due`.

    It convicts nobody: where the 99th percentile is above `p99_s` the run is unknown, since it was not the load that
    was meant (load-practice 4.1). Unknown, too, if no event has a time at which it was due.
    """

    p99_s: float = 0.010

    def check(self, history: History) -> Verdict:
        lags = sorted(op.time - op.value.due for op in history.where(f=EMIT, type="ok") if "due" in op.value)
        if lags and percentile(lags, 0.99) > self.p99_s:
            return Verdict.unknown(
                f"the load was not offered on time: of {len(lags)} events the 99th percentile was emitted "
                f"{1000 * percentile(lags, 0.99):.1f} ms late, the worst {1000 * lags[-1]:.1f} ms, and "
                f"{1000 * self.p99_s:.1f} ms are allowed"
            )
        return Verdict.of((), looked_at=len(lags))
