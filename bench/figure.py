"""One measured number with all that it takes to read it, and `bench/latest.json` made of many."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from bench.frames import Tally
from bench.real_server import REAL, Case, Real
from bench.targets import TARGETS, Target

KEYS: Final = (
    "deliveries_per_s",
    "commit_to_client_ms",
    "burst_5000_s",
    "joins_per_s",
    "start_ready_s",
    "virtual_speedup",
    "check_ops_per_s",
    "rss_mib",
)
"""Contract 8."""

MORE: Final = ("burst_5000_by_cadence_s", "at_rate_ms", "real_cadence", "engine_us_per_delivery")
"""What we measure besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`case` is its key in contract 8 and the path under it. `value` None: not measured, and `settings` says why.

    `tally` is None where nothing is delivered. `comparable` says whether it was measured as the real one was.
    `like` is the case of the real server's figure that it is compared with, its own unless said otherwise.
    """

    case: Case
    value: float | None
    unit: str
    settings: str
    tally: Tally | None = None
    comparable: bool = True
    like: Case | None = None

    @property
    def real(self) -> Real | None:
        """The real server's figure, where there is one to compare with."""
        return REAL.get(self.like or self.case) if self.comparable and self.value is not None else None

    @property
    def target(self) -> Target | None:
        """What it should be, where we have set that ourselves."""
        return TARGETS.get(self.case) if self.comparable and self.value is not None else None

    @property
    def ratio(self) -> float | None:
        """Ours divided by the real server's."""
        return self.value / self.real.value if self.real is not None and self.value is not None else None

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, came twice or in another order."""
        return self.tally in (None, Tally())


def document(figures: Sequence[Figure], settings: Mapping[str, str]) -> dict[str, Any]:
    """The content of `latest.json`: the plain numbers under the keys of contract 8, then everything about each."""
    numbers: dict[str, Any] = {}
    for figure in figures:
        _put(numbers, figure.case, figure.value if figure.value is None else float(f"{figure.value:.4g}"))
    return {**numbers, "settings": dict(settings), "figures": [_row(figure) for figure in figures]}


def _put(numbers: dict[str, Any], case: Case, value: float | None) -> None:
    *path, last = case
    for name in path:
        numbers = numbers.setdefault(name, {})
    numbers[last] = value


def _row(figure: Figure) -> dict[str, Any]:
    return {
        "case": list(figure.case),
        "value": figure.value,
        "unit": figure.unit,
        "settings": figure.settings,
        "tally": None if figure.tally is None else asdict(figure.tally),
        "real": None if figure.real is None else asdict(figure.real),
        "ratio": figure.ratio,
        "target": None if figure.target is None else asdict(figure.target),
    }
