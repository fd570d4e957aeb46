"""Several faults at once: whom each is for, and who decides."""

from random import Random

import pytest

from harness.errors import StoryFault
from harness.faults import BlackHole, Delay, Drop, Duplicate, LastSubscriberWins, Offline, SlowReader
from harness.faults.fault import EVERY, Admission, Fate, FrameFault
from harness.proxy.standing import Standing
from tests.unit.faults.frames import a_change, a_message


def standing(*faults: FrameFault) -> Standing:
    made = Standing()
    for fault in faults:
        made.add(fault)
    return made


def test_without_faults_everything_passes() -> None:
    none = standing()

    assert none.fate(a_change(), Random(1)) == Fate.PASS
    assert (none.admission("reader"), none.bytes_per_s("reader"), none.holds("reader")) == (Admission.PASS, None, False)


def test_a_fault_is_for_its_link_only() -> None:
    hole = standing(BlackHole(link="other"))

    assert hole.fate(a_change(link="reader"), Random(1)) == Fate.PASS
    assert hole.fate(a_change(link="other"), Random(1)) == Fate.DROP
    assert [(hole.silent(link), hole.holds(link)) for link in ("reader", "other")] == [(False, False), (True, True)]


def test_a_fault_for_every_link_is_for_each() -> None:
    assert standing(Offline(link=EVERY)).admission("reader") is Admission.REFUSE
    assert standing(LastSubscriberWins(links=("reader", "b"))).fate(a_change(), Random(1)) == Fate.DROP


def test_the_first_that_says_anything_decides() -> None:
    twice, slow = Duplicate(link="reader"), Delay(link="reader", seconds=1.0)

    assert standing(twice, slow).fate(a_change(), Random(1)) == Fate.duplicate()
    assert standing(slow, twice).fate(a_change(), Random(1)) == Fate.delay(1.0)
    assert standing(twice, slow).fate(a_message("system"), Random(1)) == Fate.delay(1.0)


def test_the_first_that_does_not_let_in_decides() -> None:
    drop, hole, offline = Drop(link="reader"), BlackHole(link="reader"), Offline(link="reader")

    assert standing(drop, hole, offline).admission("reader") is Admission.SILENT
    assert standing(offline, hole).admission("reader") is Admission.REFUSE


def test_the_slowest_speed_holds() -> None:
    faults = (SlowReader(link="reader", bytes_per_s=20.0), SlowReader(link=EVERY, bytes_per_s=10.0))

    assert standing(Drop(link="reader"), *faults).bytes_per_s("reader") == 10.0


def test_what_ended_holds_no_more_and_ends_once() -> None:
    faults = standing(BlackHole(link="reader"), BlackHole(link="reader"))

    faults.remove(BlackHole(link="reader"))
    still = faults.holds("reader")
    faults.remove(BlackHole(link="reader"))

    assert still
    assert not faults.holds("reader")
    with pytest.raises(StoryFault, match="does not hold"):
        faults.remove(BlackHole(link="reader"))
