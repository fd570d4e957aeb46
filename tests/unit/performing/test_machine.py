"""The computer of a reader, as faults see it."""

from itertools import count

import pytest

from harness.errors import FaultUnsupported
from harness.faults import BlackHole
from harness.performing.machine import ReaderMachine
from tests.instant import InstantClock, run
from tests.unit.performing.scripted import ScriptedLinks


def a_machine(*, native: bool = True, links: ScriptedLinks | None = None) -> ReaderMachine:
    numbers = count(1)
    return ReaderMachine(
        "reader",
        clock=InstantClock(),
        sign=lambda: f"token {next(numbers)}",
        proxy=links,  # type: ignore[arg-type]
        native=native,
    )


def test_every_token_is_a_new_one_but_while_none_can_be_had() -> None:
    machine = a_machine()

    given = [machine.token(), machine.token()]
    machine.refresh_tokens(False)
    kept = [machine.token(), machine.token()]
    machine.refresh_tokens(True)

    assert (given, kept, machine.token()) == (["token 1", "token 2"], ["token 2", "token 2"], "token 3")


def test_who_has_no_token_yet_gets_one_all_the_same() -> None:
    machine = a_machine()

    machine.refresh_tokens(False)

    assert machine.token() == "token 1"


def test_its_timers_are_bent_and_set_right_again() -> None:
    async def story() -> list[float]:
        machine = a_machine()
        woke = []
        machine.throttle(60.0)
        await machine.clock.sleep(1.0)
        woke.append(machine.clock.now())
        machine.throttle(None)
        await machine.clock.sleep(1.0)
        woke.append(machine.clock.now())
        return woke

    assert run(story()) == [60.0, 61.0]


def test_while_it_sleeps_no_timer_fires() -> None:
    async def story() -> float:
        machine = a_machine()
        machine.freeze()
        base = InstantClock()
        await base.sleep(50.0)
        machine.thaw()
        await machine.clock.sleep(1.0)
        return base.now()

    assert run(story()) == 51.0


def test_its_links_are_those_of_the_proxy() -> None:
    links, fault = ScriptedLinks(), BlackHole(link="reader")
    machine = a_machine(links=links)

    machine.begin(fault)
    machine.end(fault)

    assert links.done == [("begin", fault), ("end", fault)]


def test_without_a_proxy_its_link_cannot_be_broken() -> None:
    with pytest.raises(FaultUnsupported, match="the fault black_hole needs a proxy on the link of reader, which this"):
        a_machine().begin(BlackHole(link="reader"))


@pytest.mark.parametrize("bend", [lambda machine: machine.throttle(60.0), lambda machine: machine.freeze()])
def test_the_timers_of_an_official_client_cannot_be_bent(bend: object) -> None:
    assert callable(bend)

    with pytest.raises(
        FaultUnsupported, match="the official client of reader does not have: use --client native"
    ) as refused:
        bend(a_machine(native=False))

    assert "timers that can be bent" in str(refused.value)
