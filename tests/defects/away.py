"""A reader that is away for a while, for the tests of what recovery brings back."""

from harness.pipeline.as_specified.page import Page
from harness.pipeline.subscriber import Subscriber
from tests.browser import Stage, a_row

Reader = Stage[Page] | Stage[Subscriber]


async def come_back(stage: Reader, *missed: int, after: float = 1.5) -> None:
    """Lose the socket, miss these events, and have it again `after` so many seconds."""
    await stage.reader.drop()
    await stage.clock.sleep(0.01)
    for sequence in missed:
        await stage.commit(a_row(sequence), live=False)
    await stage.clock.sleep(after)
    stage.client.reconnect()
    await stage.clock.sleep(0.01)


async def applied_in_the_end(stage: Reader, *, wait: float = 60.0) -> list[int]:
    """What was applied, in that order, when some time has passed and the page is closed."""
    await stage.clock.sleep(wait)
    await stage.reader.close()
    return [sequence for sequence, _ in stage.applied()]
