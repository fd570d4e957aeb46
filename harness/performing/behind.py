"""Steps behind the users' backs: what the application says, what befalls the stack, what is counted."""

from collections import Counter

from harness.clock import within
from harness.events.types import ResearchProgress
from harness.generators import step as steps
from harness.performing.stage import Stage
from harness.pipeline.trace import trace


async def release(stage: Stage, step: steps.Release) -> None:
    stage.backend.application.release(stage.process(step.process).id)


async def emit(stage: Stage, step: steps.Emit) -> None:
    await stage.backend.application.emit(stage.process(step.process).id, step.data)


async def bulk(stage: Stage, step: steps.Bulk) -> None:
    """One statement, as an import has it; which class the events are of does not matter to it."""
    process = stage.process(step.process)
    events = [
        ResearchProgress(query_index=number, total_queries=step.count, query=f"query {number}")
        for number in range(1, step.count + 1)
    ]
    await stage.backend.application.emit_at_once(process.id, events)


async def begin(stage: Stage, step: steps.Begin) -> None:
    await stage.nemesis.begin(step.fault)


async def end(stage: Stage, step: steps.End) -> None:
    await stage.nemesis.end(step.fault)


async def sql(stage: Stage, step: steps.Sql) -> None:
    await stage.world.sql(stage.fill(step.statement))


async def read_back(stage: Stage, step: steps.ReadBack) -> None:
    process = stage.process(step.process)
    since = 0
    while True:
        page = await stage.backend.store.events_since(process.id, since, limit=500)
        for row in page.events:
            keys = trace("process_events", "INSERT", row) or {}
            stage.recorder.record("story", "read_back", {**keys, "record": dict(row)})
        if page.complete or not page.events:
            return
        since = page.events[-1]["event_sequence"]


async def clean_up(stage: Stage, step: steps.CleanUp) -> None:
    stage.recorder.record("app", "cleanup", {}, type="invoke")
    try:
        deleted = await stage.backend.clean_up()
    except Exception as error:
        stage.recorder.record("app", "cleanup", {}, type="fail", error=str(error) or type(error).__name__)
        raise
    stage.recorder.record("app", "cleanup", {"deleted": deleted})


async def census(stage: Stage, step: steps.Census) -> None:
    counts: Counter[str] = Counter()
    counts.update({f"app.{kind}": count for kind, count in stage.backend.application.held().items()})
    for reader in stage.cast.readers.values():
        counts.update({f"{reader.name}.{kind}": count for kind, count in reader.held().items()})
    counts.update({f"engine.{kind}": count for kind, count in (await stage.backend.census()).items()})
    stage.recorder.record("story", "census", {"label": step.label, "counts": dict(sorted(counts.items()))})


async def wait(stage: Stage, step: steps.Wait) -> None:
    await stage.clock.sleep(step.seconds / stage.pace)


async def wait_committed(stage: Stage, step: steps.WaitCommitted) -> None:
    process = stage.process(step.process)
    try:
        async with within(stage.clock, step.timeout):
            await stage.tally.reach(process.id, step.event_type, step.count)
    except TimeoutError:
        raise TimeoutError(
            f"{stage.tally.committed(process.id, step.event_type)} of {step.count} {step.event_type} "
            f"were committed within {step.timeout:g} s"
        ) from None
