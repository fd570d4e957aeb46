"""Steps of the users: processes are started, pages opened, questions answered, tabs closed."""

from random import Random

from harness.cast import Process
from harness.generators import step as steps
from harness.performing.listener import Listener
from harness.performing.stage import ROLE, Stage
from harness.pipeline.trace import trace
from harness.tokens import user_id


async def start_process(stage: Stage, step: steps.StartProcess) -> None:
    owner_id = user_id(step.owner)
    told = {"process": step.process, "owner": step.owner, "owner_id": str(owner_id)}
    stage.recorder.record("story", "start_process", told, type="invoke")
    http = await stage.http(f"{step.owner} starting {step.process}", lambda: stage.sign(step.owner))
    process_id = await http.start({"keywords": ["札幌", "注文住宅", "自然素材"]}, dict(step.simulation))
    stage.cast.processes[step.process] = Process(id=process_id, owner=step.owner, owner_id=owner_id)
    stage.recorder.record("story", "start_process", {**told, "process_id": process_id})


async def subscribe(stage: Stage, step: steps.Subscribe) -> None:
    stage.make_room(step.reader)
    process = stage.process(step.to)
    app = stage.backend.application.app
    machine = stage.new_machine(step.reader, lambda: stage.sign(step.user, ttl=step.token_ttl))
    url = await stage.reach(step.reader, stage.backend.environment.realtime_url)
    token = machine.token() if step.signed_in else None
    client = stage.make_client(
        step.reader, url=url, token=token, clock=machine.clock, timing=app.timing, variant=step.variant
    )
    reader = app.reader(
        step.reader,
        client,
        await stage.http(step.reader, machine.token),
        process_id=process.id,
        user=step.user,
        user_id=user_id(step.user),
        role=ROLE,
        client_name=stage.client,
        schema=stage.schema,
        clock=machine.clock,
        rng=Random(stage.rng.random()),
        recorder=stage.recorder,
        trace=trace,
        token=machine.token,
        signed_in=step.signed_in,
    )
    stage.cast.readers[step.reader] = reader
    await reader.start()


async def wait_ready(stage: Stage, step: steps.WaitReady) -> None:
    await stage.reader(step.reader).wait_ready(step.timeout)


async def wait_status(stage: Stage, step: steps.WaitStatus) -> None:
    reader = stage.reader(step.reader)
    try:
        await reader.wait_until(lambda _: reader.status == step.status, step.timeout)
    except TimeoutError:
        raise TimeoutError(
            f"{reader.name} was not {step.status} within {step.timeout:g} s: it is {reader.status}"
        ) from None


async def wait_for(stage: Stage, step: steps.WaitFor) -> None:
    reader = stage.reader(step.reader)
    try:
        await reader.wait_until(lambda _: reader.applied(step.event_type) >= step.count, step.timeout)
    except TimeoutError:
        raise TimeoutError(
            f"{reader.name} had applied {reader.applied(step.event_type)} of {step.count} {step.event_type} "
            f"within {step.timeout:g} s: it is {reader.status}"
        ) from None


async def answer(stage: Stage, step: steps.Answer) -> None:
    reader = stage.reader(step.reader)
    try:
        await reader.wait_until(lambda _: reader.shows_question(step.input_type), step.timeout)
    except TimeoutError:
        raise TimeoutError(
            f"{reader.name} was not asked {step.input_type} within {step.timeout:g} s: it is {reader.status}"
        ) from None
    await stage.clock.sleep(step.after / stage.pace)
    await reader.answer(step.input_type, step.action, dict(step.payload))


async def pause(stage: Stage, step: steps.Pause) -> None:
    await stage.reader(step.reader).pause()


async def resume(stage: Stage, step: steps.Resume) -> None:
    await stage.reader(step.reader).resume()


async def acknowledge(stage: Stage, step: steps.Acknowledge) -> None:
    await stage.reader(step.reader).acknowledge()


async def disconnect(stage: Stage, step: steps.Disconnect) -> None:
    reader = stage.reader(step.reader)
    stage.recorder.record("nemesis", "disconnect", {"reader": reader.name, "process_id": reader.process_id})
    await reader.drop()


async def leave(stage: Stage, step: steps.Leave) -> None:
    await stage.reader(step.reader).leave()


async def sign_in(stage: Stage, step: steps.SignIn) -> None:
    reader = stage.reader(step.reader)
    stage.recorder.record(reader.name, "sign_in", {"process_id": reader.process_id})
    await reader.sign_in(stage.machine(step.reader).token())


async def remount(stage: Stage, step: steps.Remount) -> None:
    reader = stage.reader(step.reader)
    stage.recorder.record(reader.name, "remount", {"process_id": reader.process_id})
    await reader.remount()


async def listen(stage: Stage, step: steps.Listen) -> None:
    stage.make_room(step.listener)
    bindings = [{key: stage.fill(value) for key, value in one.items()} for one in step.bindings]
    url = await stage.reach(step.listener, stage.backend.environment.realtime_url)
    token = stage.sign(step.user, role=step.role)
    timing = stage.backend.application.app.timing
    listener = Listener(
        step.listener,
        stage.make_client(step.listener, url=url, token=token, clock=stage.clock, timing=timing),
        topic=step.topic,
        bindings=bindings,
        user=step.user,
        user_id=user_id(step.user),
        role=step.role,
        recorder=stage.recorder,
        clock=stage.clock,
        trace=trace,
    )
    stage.listeners[step.listener] = listener
    await listener.start(timeout=step.timeout)
