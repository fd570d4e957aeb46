"""One running generation: its phase, what it tells and saves, and how it lets time pass.

Between the flow, which knows what to do next, and the publisher. Everything that a process says goes through here,
from one task: nothing can race with it, neither heartbeats nor pauses.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from math import inf
from random import Random
from typing import Any, Final

from harness.clock import Clock
from harness.events.types import (
    Choice,
    ErrorType,
    EventData,
    Heartbeat,
    InputType,
    ProcessError,
    ProcessPaused,
    ProcessResumed,
    StateUpdated,
    UserInputReceived,
    UserInputRequired,
)
from harness.events.workflow import TERMINAL, Phase, advance
from harness.pipeline.answer import Answer
from harness.pipeline.app import EventPublisher, StateSaver
from harness.pipeline.flow_options import FlowOptions
from harness.pipeline.ids import new_id
from harness.pipeline.inbox import Command, Inbox

RECOVERY: Final[Mapping[ErrorType, tuple[str, ...]]] = {
    "recoverable": ("retry", "pause"),
    "input_timeout": ("answer", "resume"),
    "unrecoverable": (),
}
"""Error type → what may still be done."""


class Process:
    """The process as its flow sees it. All seconds given are divided by `pace`.

    Every event is checked against the automaton before it is published: `IllegalTransition` is a bug of ours.
    """

    def __init__(
        self,
        process_id: str,
        *,
        options: FlowOptions,
        publisher: EventPublisher,
        states: StateSaver,
        clock: Clock,
        rng: Random,
        pace: float = 1.0,
    ) -> None:
        self.id: Final = process_id
        self.options: Final = options
        self.phase = Phase.NEW
        self.step = ""
        self._publisher = publisher
        self._states = states
        self._clock = clock
        self._rng = rng
        self._pace = pace
        self._stirred = asyncio.Event()
        self.inbox: Final = Inbox(self._stirred.set)
        self._asked: InputType | None = None
        self._interactions: list[dict[str, Any]] = []
        self._beat_every: Final = options.heartbeat_s / pace
        self._next_beat = clock.now() + self._beat_every
        self._user: Callable[[], bool] | None = None

    @property
    def at_rest(self) -> bool:
        """Whether it goes on only when the user, or a long time limit, says so."""
        return self._user is not None and not self._user()

    async def tell(self, data: EventData) -> None:
        """Publish one event."""
        following = advance(self.phase, data)
        await self._publisher.publish(self.id, data)
        self.phase = following

    async def save(self, *, more: Mapping[str, Any] | None = None, context: Mapping[str, Any] | None = None) -> None:
        """Save the state row as things stand, with `more` columns, and tell `state_updated`."""
        asked = self._asked if self.phase is Phase.WAITING else None
        facts = StateUpdated(
            current_step=self.step,
            status=self.phase,
            is_waiting_for_input=asked is not None,
            expected_user_input=asked,
        )
        following = advance(self.phase, facts)
        await self._states.save(self.id, facts, more=more, context=context)
        self.phase = following

    async def finish(self, last: EventData, *, current_step: str, more: Mapping[str, Any]) -> None:
        """Tell the last event and save the state row, in one transaction: nothing may be told after it."""
        following = advance(self.phase, last)
        facts = StateUpdated(current_step=current_step, status=following, is_waiting_for_input=False)
        await self._states.save(self.id, facts, more=more, last=last)
        self.phase = following

    async def report(self, kind: ErrorType, message: str, *, retry_count: int = 0) -> None:
        """Tell of an error and save what the row knows of it; after an unrecoverable one the process is over."""
        error = ProcessError(
            error_type=kind,
            step=self.step,
            message=message,
            retry_count=retry_count,
            max_retries=self.options.max_retries,
            recovery_options=RECOVERY[kind],
        )
        more = {"error_message": message, "retry_count": retry_count}
        if not error.recoverable:
            await self.finish(error, current_step=self.step, more={**more, "executing_step": None})
            return
        await self.tell(error)
        await self.save(more=more)

    async def rest(self, seconds: float) -> None:
        """Let time pass; when the user wants a pause it begins here, and its time does not count."""
        left = seconds / self._pace
        while True:
            begun = self._clock.now()
            if await self._wait(begun + left, self._pause_wanted):
                left -= self._clock.now() - begun
                await self._stand_still()
            else:
                return

    async def ask(self, input_type: InputType, options: Sequence[Choice]) -> Answer:
        """The user's answer, however long it takes.

        After a pause, and when the user comes back after the time for it was over, the question is asked again
        under a new id.
        """
        while True:
            question = await self._put(input_type, options)
            answer = await self._answered()
            if answer is not None:
                await self._take(answer.received())
                return answer
            if self._pause_wanted():
                self.inbox.close()
            else:
                await self._expire(question)
            if self._pause_wanted():
                await self._stand_still()

    async def _put(self, input_type: InputType, options: Sequence[Choice]) -> UserInputRequired:
        until = self._clock.wall() + timedelta(seconds=self.options.input_timeout_s / self._pace)
        question = UserInputRequired(
            input_id=new_id(self._rng), input_type=input_type, timeout=until, options=tuple(options)
        )
        # Open before it is told: an answer may come faster than the word that the event is committed.
        self.inbox.open(question)
        self._asked = input_type
        await self.tell(question)
        await self.save(more={"user_input_timeout": until.isoformat(), "input_reminder_sent": False})
        return question

    async def _answered(self) -> Answer | None:
        """The answer, or None when a pause is wanted or the time is over."""
        half = self.options.input_timeout_s / self._pace / 2
        asked_at = self._clock.now()
        if not await self._wait_for_user(asked_at + half, self._answer_or_pause):
            await self.save(more={"input_reminder_sent": True})
            await self._wait_for_user(asked_at + 2 * half, self._answer_or_pause)
        return self.inbox.take_answer()

    async def _take(self, received: UserInputReceived) -> None:
        await self.tell(received)
        self._interactions.append(received.model_dump(mode="json"))
        await self.save(more={"interaction_history": self._interactions, "user_input_timeout": None})

    async def _expire(self, question: UserInputRequired) -> None:
        """Say that the time is over, and wait until the user comes back."""
        self.inbox.close(expired=True)
        await self.report("input_timeout", f"no answer to {question.input_type} in time")
        await self._wait_for_user(inf, self._command_came)
        self.inbox.take(Command.RESUME)

    async def _stand_still(self) -> None:
        self.inbox.take(Command.PAUSE)
        await self.tell(ProcessPaused(paused_at_step=self.step))
        await self.save()
        await self._wait_for_user(inf, lambda: self.inbox.next_is(Command.RESUME))
        self.inbox.take(Command.RESUME)
        await self.tell(ProcessResumed(resumed_from_step=self.step))
        await self.save()

    def _pause_wanted(self) -> bool:
        return self.inbox.next_is(Command.PAUSE)

    def _answer_or_pause(self) -> bool:
        return self.inbox.has_answer() or self._pause_wanted()

    def _command_came(self) -> bool:
        return self._pause_wanted() or self.inbox.next_is(Command.RESUME)

    async def _wait_for_user(self, until: float, wanted: Callable[[], bool]) -> bool:
        self._user = wanted
        try:
            return await self._wait(until, wanted)
        finally:
            self._user = None

    async def _wait(self, until: float, wanted: Callable[[], bool]) -> bool:
        """True as soon as `wanted()`, False at the time `until`; heartbeats that fall due meanwhile are told."""
        while not wanted():
            now = self._clock.now()
            if now >= self._next_beat:
                await self._beat()
            elif now >= until:
                return False
            else:
                await self._idle(min(self._next_beat, until) - now)
        return True

    async def _beat(self) -> None:
        self._next_beat += self._beat_every
        await self.tell(Heartbeat(timestamp=self._clock.wall()))

    async def _idle(self, seconds: float) -> None:
        """Return after that many seconds, or when something came in."""
        self._stirred.clear()
        waiting = [
            asyncio.ensure_future(self._clock.sleep(seconds)),
            asyncio.ensure_future(self._stirred.wait()),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    @property
    def ended(self) -> bool:
        return self.phase in TERMINAL
