"""What a step of a generation works with."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.errors import StepFailed
from harness.events.types import Choice, InputType
from harness.history import Recorder
from harness.pipeline.app import StateSaver
from harness.pipeline.draft import Draft
from harness.pipeline.flow_options import FailurePlan, FlowOptions
from harness.pipeline.process import Process
from harness.pipeline.prose import Prose


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The process, what has been written of its article, the pen, and what is going to fail."""

    process: Process
    draft: Draft
    prose: Prose
    failures: FailurePlan
    states: StateSaver
    recorder: Recorder

    @property
    def options(self) -> FlowOptions:
        return self.process.options

    def may_fail(self, step: str, at_chunk: int | None = None) -> None:
        """Raise the recoverable `StepFailed` that is due here, if one is."""
        if self.failures.due(step, at_chunk):
            raise StepFailed(step, "the model did not answer (simulated)", recoverable=True)

    async def decide(self, input_type: InputType, offer: Callable[[], tuple[Choice, ...]]) -> Choice:
        """The option that the user settles on; for `regenerate` there is a new offer after another while of work.

        A generation that may not ask settles on the first.
        """
        if not self.options.ask:
            return offer()[0]
        while True:
            answer = await self.process.ask(input_type, offer())
            if answer.choice is not None:
                return answer.choice
            await self.process.rest(self.options.step_s)
