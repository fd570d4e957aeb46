"""The line that tells on stderr how a run goes, while it goes: a sink of the recorder."""

import sys
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from harness.history import Op
from harness.history.hops import APPLY, COMMIT, EMIT
from harness.history.journey import tells_of_event

EVERY_S: Final = 5.0
"""How often a plain line is printed where there is no terminal."""


class Progress:
    """Shows elapsed time, current step, events emitted and committed, and what each reader applied and says.

    On a terminal it is one line that is kept up to date, elsewhere a plain line every few seconds. `now` gives
    seconds; `title` is what is run. Use it as a context manager around the run.
    """

    def __init__(self, title: str, now: Callable[[], float], *, console: Console | None = None) -> None:
        self._title = title
        self._now = now
        self._begun = self._printed = now()
        self._console = console or Console(stderr=True)
        self._live: Live | None = None
        self._counts: Counter[str] = Counter()
        self._step = "starting"
        self._readers: dict[str, str] = {}

    def __call__(self, op: Op) -> None:
        """Take an op into account."""
        if op.f in (EMIT, COMMIT) and tells_of_event(op):
            self._counts[op.f] += 1
        elif op.f == APPLY:
            self._counts[f"{APPLY} {op.actor}"] += 1
        elif op.f == "status":
            self._readers[op.actor] = str(op.value.get("status", ""))
        elif op.f == "subscribe":
            self._readers.setdefault(op.actor, "connecting")
        elif op.f == "step" and op.type == "invoke":
            self._step = str(op.value.get("step", ""))
        self._say_now_and_then()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=lambda: Text(self.line(), overflow="ellipsis", no_wrap=True),
                console=self._console,
                transient=True,
                # Results that go to the same terminal are printed above the line.
                redirect_stdout=sys.stdout.isatty(),
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def line(self) -> str:
        """What is known now, in one line."""
        readers = [
            f"{reader}: {self._counts[f'{APPLY} {reader}']} applied, {status.replace('_', ' ')}"
            for reader, status in list(self._readers.items())  # a thread of rich reads this
        ]
        parts = [
            f"{self._title}  {self._now() - self._begun:.0f} s",
            self._step,
            f"{self._counts[EMIT]} emitted, {self._counts[COMMIT]} committed",
            *readers,
        ]
        return " | ".join(parts)

    def _say_now_and_then(self) -> None:
        if self._live is None and not self._console.is_terminal and self._now() - self._printed >= EVERY_S:
            self._printed = self._now()
            self._console.print(Text(self.line()), soft_wrap=True)
