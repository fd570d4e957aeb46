"""One article generation from request to article: the steps in order, their retries, and the end.

The application's side of the straight line begins here: every event of a process is meant by its flow.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from harness.clock import Clock
from harness.errors import HarnessError, StepFailed
from harness.events.event import text_hash
from harness.events.types import ProcessCompleted, ProcessCreated, Progress, StepCompleted, StepUpdate
from harness.events.workflow import STEPS, Phase
from harness.history import Recorder
from harness.pipeline.app import EventPublisher, StateSaver
from harness.pipeline.desk import Desk
from harness.pipeline.draft import Draft
from harness.pipeline.flow_options import FailurePlan, FlowOptions
from harness.pipeline.ids import new_id
from harness.pipeline.process import Process
from harness.pipeline.prose import Prose, keywords_of
from harness.pipeline.publisher import ACTOR
from harness.pipeline.steps import MESSAGES, WORK

COMPLETED = "completed"
"""`current_step` after the last step."""


class Flow:
    """Generates one article. Its state row must be there before `run`. `rng` gives its texts, `ids` its ids."""

    def __init__(
        self,
        process_id: str,
        *,
        initial_request: Mapping[str, Any],
        options: FlowOptions,
        publisher: EventPublisher,
        states: StateSaver,
        clock: Clock,
        rng: Random,
        ids: Random,
        recorder: Recorder,
        pace: float = 1.0,
    ) -> None:
        self.process = Process(
            process_id, options=options, publisher=publisher, states=states, clock=clock, rng=ids, pace=pace
        )
        keywords = keywords_of(initial_request)
        self._desk = Desk(
            process=self.process,
            draft=Draft(keywords=keywords, article_id=str(new_id(ids))),
            prose=Prose(rng, keywords=keywords),
            failures=FailurePlan(options.failures),
            states=states,
            recorder=recorder,
        )
        self._request = initial_request
        self._options = options
        self._clock = clock
        self._recorder = recorder
        self._begun = clock.now()
        self._durations: dict[str, float] = {}

    async def run(self) -> None:
        """Until the process has completed or failed.

        An exception that nobody foresaw is recorded as `crash`, and the clients are told if that can be done.
        """
        try:
            await self._generate()
        except Exception as error:
            self._crashed(error)
            await self._give_up(error)

    async def _generate(self) -> None:
        created = ProcessCreated(process_id=self.process.id, initial_request=dict(self._request))
        await self.process.tell(created)
        try:
            for step in STEPS:
                await self._perform(step)
        except StepFailed as failure:
            retries = self._options.max_retries if failure.recoverable else 0
            await self.process.report("unrecoverable", str(failure), retry_count=retries)
        else:
            await self._complete()

    async def _perform(self, step: str) -> None:
        """One step with its retries; raises the `StepFailed` that ends the process."""
        previous, self.process.step = self.process.step or None, step
        begun = self._clock.now()
        failed = 0
        while True:
            await self._begin(step, previous, retry_count=failed)
            try:
                result = await self._work(step)
            except StepFailed as failure:
                failed += 1
                if not failure.recoverable or failed > self._options.max_retries:
                    raise
                await self.process.report("recoverable", str(failure), retry_count=failed)
                await self.process.rest(self._options.retry_delay_s * 2 ** (failed - 1))
            else:
                break
        self._durations[step] = round(self._clock.now() - begun, 3)
        await self.process.tell(StepCompleted(step=step, result=dict(result)))

    async def _begin(self, step: str, previous: str | None, *, retry_count: int) -> None:
        done = STEPS.index(step)
        update = StepUpdate(
            step=step,
            previous_step=previous,
            message=MESSAGES[step],
            progress=Progress(
                completed_steps=done, total_steps=len(STEPS), percentage=round(100 * done / len(STEPS), 1)
            ),
            image_mode=self._options.images > 0,
        )
        await self.process.tell(update)
        columns = {
            "executing_step": step,
            "step_execution_start": self._clock.wall().isoformat(),
            "step_durations": dict(self._durations),
            "title": self._desk.draft.title or None,
            "retry_count": retry_count,
            "max_retries": self._options.max_retries,
            "error_message": None,
        }
        await self.process.save(more=columns, context=self._desk.draft.context())

    async def _work(self, step: str) -> Mapping[str, Any]:
        if step == self._options.fatal_step:
            raise StepFailed(step, "the account is closed (simulated)", recoverable=False)
        self._desk.may_fail(step)
        return await WORK[step](self._desk)

    async def _complete(self) -> None:
        draft, seconds = self._desk.draft, round(self._clock.now() - self._begun, 3)
        text = draft.text
        completed = ProcessCompleted(
            article_id=draft.article_id,
            title=draft.title,
            content_sha256=text_hash(text),
            content_chars=len(text),
            statistics={"sections": len(draft.sections), "images": len(draft.pictures), "seconds": seconds},
        )
        columns = {
            "executing_step": None,
            "step_durations": dict(self._durations),
            "total_processing_time": f"{seconds} seconds",
        }
        await self.process.finish(completed, current_step=COMPLETED, more=columns)

    def _crashed(self, error: Exception) -> None:
        told = {"process_id": self.process.id}
        self._recorder.record(ACTOR, "crash", told, type="info", error=f"{type(error).__name__}: {error}")

    async def _give_up(self, error: Exception) -> None:
        """Tell the clients that it is over, where the automaton allows it and the tables take it."""
        if self.process.ended or self.process.phase is Phase.NEW:
            return
        try:
            await self.process.report("unrecoverable", f"internal error: {type(error).__name__}")
        except HarnessError as second:
            self._crashed(second)
