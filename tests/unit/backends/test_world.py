"""What a stack lets faults do, and what it refuses."""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from harness.backends.world import StackWorld
from harness.clock import Clock, ScaledClock
from harness.errors import FaultUnsupported, StoryFault
from harness.faults.fault import EVERY, Capability, Machine
from tests.instant import InstantClock, run
from tests.unit.faults.recording_world import RecordingApp, RecordingEngine, RecordingMachine, RecordingWorld


def a_world(*, machines: Mapping[str, Machine] | None = None, clock: Clock | None = None, **parts: Any) -> StackWorld:
    return StackWorld(
        url="postgresql://nobody@nowhere/none",
        schema="public",
        machines={} if machines is None else machines,
        clock=clock or InstantClock(),
        rng=Random(1),
        **parts,
    )


async def nothing() -> None:
    return


def test_a_database_alone_takes_statements() -> None:
    world = a_world(links=False)

    assert world.capabilities == {Capability.SQL, Capability.MACHINES}


def test_each_part_is_a_capability() -> None:
    world = a_world(restart=nothing, engine=RecordingEngine(RecordingWorld()), app=RecordingApp([]))

    assert world.capabilities == frozenset(Capability)


async def test_what_is_missing_is_refused_by_name() -> None:
    world = a_world(where="the backend attached")

    with pytest.raises(FaultUnsupported, match="needs engine, which the backend attached does not have"):
        assert world.engine
    with pytest.raises(FaultUnsupported, match="needs app"):
        assert world.app
    with pytest.raises(FaultUnsupported, match="needs restart"):
        await world.restart_database()


def test_a_machine_is_looked_up_when_it_is_needed() -> None:
    machines: dict[str, Machine] = {}
    world = a_world(machines=machines)

    with pytest.raises(StoryFault, match="no reader 'r'"):
        world.machine("r")
    with pytest.raises(StoryFault):
        world.machine(EVERY)
    machines["r"] = RecordingMachine("r", [])

    assert world.machine("r") is world.machine(EVERY) is machines["r"]


def test_the_database_lives_in_real_seconds() -> None:
    async def story() -> tuple[float, float]:
        scaled = ScaledClock(InstantClock(), 20.0)
        return a_world().real_seconds(3.0), a_world(clock=scaled).real_seconds(3.0)

    assert run(story()) == (3.0, 0.15)
