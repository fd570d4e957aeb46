"""`Live`: what comes of a load run while it goes, by the second and by type of event.

From the events that users tell Locust to the charts of its web UI. Several processes are merged as histograms. Memory
is bounded: of a second that has passed its percentiles are kept with its histogram in the compressed form, and only so
many seconds are kept at all.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from load.judging.histogram import Times
from load.telling.pictures import Moment

DELIVER: Final = "deliver"
PUBLISH: Final = "publish"
RECOVER: Final = "recover"
WAKE: Final = "wake"
KEPT_S: Final = 900
"""So many seconds are kept, counted back from the newest."""
_OPEN_S: Final = 8
"""For so long a second is expected to grow: workers report every three."""

_Key = tuple[str, int]
Report = Mapping[str, Any]


class Live:
    """One run. `counts` says how many of each kind there were in all."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._open: dict[_Key, Times] = {}
        self._closed: dict[_Key, tuple[str, Moment]] = {}
        self._fresh: dict[_Key, Moment] = {}
        self._types: dict[str, Times] = {}
        self._newest = 0

    def add(self, kind: str, name: str, seconds: float, *, at: float, failed: bool = False) -> None:
        """One event that took so long and was told `at` seconds after the start. What failed is only counted."""
        self.counts[kind] += 1
        if failed:
            self.failed[kind] += 1
            return
        self._second((kind, int(at))).add(seconds)
        if kind == DELIVER:
            self._types.setdefault(name, Times()).add(seconds)

    def report(self) -> Report:
        """All that is kept, as a message for `merge`."""
        return {
            "counts": dict(self.counts),
            "failed": dict(self.failed),
            "seconds": [(kind, at, times.encoded()) for (kind, at), times in self._open.items()]
            + [(kind, at, encoded) for (kind, at), (encoded, _) in self._closed.items()],
            "types": {name: times.encoded() for name, times in self._types.items()},
        }

    def merge(self, report: Report) -> None:
        """What another process has told in its `report`."""
        self.counts.update(report["counts"])
        self.failed.update(report["failed"])
        for kind, at, encoded in report["seconds"]:
            self._second((kind, at)).merge(Times.decoded(encoded))
        for name, encoded in report["types"].items():
            self._types.setdefault(name, Times()).merge(Times.decoded(encoded))

    def moments(self, kind: str) -> Mapping[int, Moment]:
        """Second → what it came to, ascending, of those that are kept."""
        closed = {at: moment for (found, at), (_, moment) in self._closed.items() if found == kind}
        growing = {at: self._moment((kind, at)) for found, at in list(self._open) if found == kind}
        return dict(sorted({**closed, **growing}.items()))

    def types(self) -> Iterator[tuple[str, Moment]]:
        """What the deliveries of each type have come to, one by one: each takes a millisecond or two to count."""
        for name, times in sorted(self._types.items()):
            yield name, _counted(times)

    def _second(self, key: _Key) -> Times:
        """Its histogram, to be added to."""
        found = self._open.get(key)
        if found is None:
            found = Times.decoded(self._closed.pop(key)[0]) if key in self._closed else Times()
            self._newest = max(self._newest, key[1])
            self._close()
            self._open[key] = found
        return found

    def _close(self) -> None:
        """What has passed is counted for good; what is too old is dropped."""
        for key in [key for key in self._open if key[1] < self._newest - _OPEN_S]:
            self._closed[key] = (self._open[key].encoded(), self._moment(key))
            del self._open[key]
            self._fresh.pop(key, None)
        for key in [key for key in self._closed if key[1] <= self._newest - KEPT_S]:
            del self._closed[key]

    def _moment(self, key: _Key) -> Moment:
        """Counted again only if it has grown."""
        times, known = self._open[key], self._fresh.get(key)
        if known is None or known.count != times.count:
            known = self._fresh[key] = _counted(times)
        return known


def _counted(times: Times) -> Moment:
    return Moment(count=times.count, p50=times.at(0.50) or 0.0, p99=times.at(0.99) or 0.0)
