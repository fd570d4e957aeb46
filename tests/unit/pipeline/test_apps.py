"""Applications by name, and the reference's own parts."""

from random import Random

import pytest

from harness.errors import UsageError
from harness.history import Recorder
from harness.phoenix.connection import Timing
from harness.pipeline.apps import APPS, app_named
from harness.pipeline.policies import POLICIES
from harness.pipeline.publisher import Publisher
from harness.pipeline.reference import Reference
from harness.pipeline.state_store import StateStore
from tests.contracts.memory_store import MemoryStore
from tests.instant import InstantClock


def test_applications_are_known_by_the_names_of_the_contract() -> None:
    assert set(APPS) == {"reference", "as-specified"}
    assert {name: app_named(name).name for name in APPS} == {name: name for name in APPS}


def test_an_application_has_its_own_policy_unless_another_is_named() -> None:
    assert app_named("reference").debounce == "lossless"
    assert app_named("as-specified").debounce == "as-specified"
    assert [app_named("reference", name).debounce for name in POLICIES] == list(POLICIES)


def test_what_there_is_not_is_refused_with_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"'mine'.*reference, as-specified"):
        app_named("mine")
    with pytest.raises(UsageError, match=r"'best'.*lossless"):
        app_named("reference", "best")


def test_the_reference_is_made_of_its_parts() -> None:
    clock = InstantClock()
    reference, store = Reference(), MemoryStore()

    publisher = reference.publisher(store, recorder=Recorder(clock.now), clock=clock, rng=Random(1))

    assert isinstance(publisher, Publisher)
    assert isinstance(reference.states(store, publisher, clock=clock), StateStore)
    assert reference.timing == Timing(jitter=1.0)
    assert reference.more_tables("mine") == ""
