"""`Alone`: a run that this Locust process plays all by itself. Must be imported after gevent's monkey patch."""

from typing import Any

import gevent  # type: ignore[import-untyped]
from locust.env import Environment as Locust

from load.offering.share import Cast, Share
from load.options import chosen_plan, chosen_stack
from load.playing.concluding import Show, folder_of, play_and_judge
from load.playing.dispatch import Counts
from load.playing.stage import Stage
from load.playing.users import enter

_LOCAL = "local"
"""What Locust calls its only process."""


class Alone:
    """Each run as `options` have it when it starts: those of the command line, or of the web form."""

    def __init__(self, locust: Locust, options: Any, *, show: Show) -> None:
        self._locust = locust
        self._options = options
        self._show = show
        self._stage: Stage | None = None

    def start(self) -> None:
        """Prepare before anybody is spawned, then play the run beside the users; raises `HarnessError`."""
        plan, stack = chosen_plan(self._options), chosen_stack(self._options)
        folder = folder_of(self._options, plan)
        self._stage = Stage(self._locust, plan, stack, folder, stack_pid=self._options.stack_pid)
        enter(self._stage)
        self._stage.prepare()
        gevent.spawn(play_and_judge, self._locust, self._stage, plan, folder, show=self._show)

    def stop(self) -> None:
        """End at once what is still going on."""
        if self._stage is not None:
            self._stage.abandon()

    def counts(self) -> Counts:
        """Whom Locust is to spawn."""
        return {_LOCAL: Cast.of(chosen_plan(self._options), Share()).counts()}
