"""Whose code publishes, by plan."""

from random import Random
from typing import cast

import pytest

from harness.history import Recorder
from harness.pipeline.as_specified.app import POLICIES, AsSpecified
from harness.pipeline.policies import POLICIES as REFERENCES
from harness.pipeline.publisher import Publisher
from harness.pipeline.reference import Reference
from harness.pipeline.store import Store
from load.offering.apps import application, publisher
from load.offering.specified_debounce import SpecifiedDebounce
from load.plan import APPS, AS_SPECIFIED, REFERENCE, Plan
from tests.instant import InstantClock

PLANS = [Plan(app=app, debounce=debounce) for app, debounces in APPS.items() for debounce in debounces]


def test_what_the_options_offer_is_what_the_applications_can_do() -> None:
    assert {name: set(debounces) for name, debounces in APPS.items()} == {
        REFERENCE: {*REFERENCES, AS_SPECIFIED},
        AS_SPECIFIED: set(POLICIES),
    }


def test_the_first_policy_is_the_applications_own() -> None:
    assert {name: debounces[0] for name, debounces in APPS.items()} == {
        REFERENCE: Reference().debounce,
        AS_SPECIFIED: AsSpecified().debounce,
    }


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: f"{plan.app} {plan.debounce}")
def test_each_plan_has_its_application(plan: Plan) -> None:
    app = application(plan)

    borrowed = (plan.app, plan.debounce) == (REFERENCE, AS_SPECIFIED)
    assert (app.name, app.debounce) == (plan.app, "lossless" if borrowed else plan.debounce)


@pytest.mark.parametrize(("debounce", "kind"), [("off", Publisher), (AS_SPECIFIED, SpecifiedDebounce)])
def test_the_reference_borrows_the_specifications_debouncer_only(debounce: str, kind: type) -> None:
    plan = Plan(debounce=debounce)

    made = publisher(
        plan,
        application(plan),
        cast(Store, object()),
        recorder=Recorder(lambda: 0.0),
        clock=InstantClock(),
        rng=Random(1),
    )

    assert isinstance(made, kind)
