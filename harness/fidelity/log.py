"""What happens while a recording is played, as it happens: the recorder of the player."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import replace

from harness.clock import Clock
from harness.fidelity.recording import Entry
from harness.fidelity.script import Sign, kind_of


class Log:
    """Entries in the order in which they are told, stamped with ms since it was made; `c` is the stream.

    `acted` says when each act of the script was done.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.now()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._times: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self._forgiven: Counter[tuple[str, str]] = Counter()
        self._news = asyncio.Event()
        self.entries: list[Entry] = []
        self.acted: dict[int, float] = {}

    @property
    def t(self) -> float:
        """Milliseconds since the play began."""
        return (self._clock.now() - self._started) * 1000

    def act(self, number: int, entry: Entry) -> None:
        """Our side did an act of the script."""
        self.acted[number] = self._add(entry).t

    def hear(self, entry: Entry) -> None:
        """Something came."""
        stamped = self._add(entry)
        stream = "ctl" if entry.dir == "ctl_result" else entry.c
        key = (stream, kind_of(entry))
        self._counts[key] += 1
        self._times[key].append(stamped.t)
        self._news.set()

    def came(self, sign: Sign) -> bool:
        """Whether what is awaited has come, or was given up before."""
        key = (sign.stream, sign.kind)
        return self._counts[key] + self._forgiven[key] >= sign.count

    def came_at(self, sign: Sign) -> float | None:
        """When it came, in ms; None if it did not."""
        times = self._times[sign.stream, sign.kind]
        return times[sign.count - 1] if len(times) >= sign.count else None

    def give_up(self, sign: Sign) -> None:
        """Do not wait for it any longer, nor for one more of its kind because of it."""
        self._forgiven[sign.stream, sign.kind] += 1

    async def news(self, within_ms: float) -> None:
        """Return when something more has come, or after that time."""
        self._news.clear()
        try:
            await asyncio.wait_for(self._news.wait(), max(0.0, within_ms) / 1000)
        except TimeoutError:
            return

    def _add(self, entry: Entry) -> Entry:
        stamped = replace(entry, t=round(self.t, 1))
        self.entries.append(stamped)
        return stamped
