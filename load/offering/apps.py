"""The application under load: whose code publishes (`--app`), with which debounce policy.

Made in the publishing process; Locust's knows only the names, from `load.plan`.
"""

from random import Random

from harness.clock import Clock
from harness.history import Recorder
from harness.pipeline.app import App, EventPublisher
from harness.pipeline.apps import app_named
from harness.pipeline.store import Store
from load.offering.specified_debounce import SpecifiedDebounce
from load.plan import AS_SPECIFIED, REFERENCE, Plan


def application(plan: Plan) -> App:
    """The plan's; raises `UsageError` where it cannot do the plan's policy."""
    return app_named(plan.app, None if _borrows(plan) else plan.debounce)


def publisher(plan: Plan, app: App, store: Store, *, recorder: Recorder, clock: Clock, rng: Random) -> EventPublisher:
    """The one under test, in front of the tables that `app` has opened."""
    if _borrows(plan):
        return SpecifiedDebounce(store, recorder=recorder, clock=clock, rng=rng)
    return app.publisher(store, recorder=recorder, clock=clock, rng=rng)


def _borrows(plan: Plan) -> bool:
    """Whether the reference is to debounce as the specification does, which is no policy of its own."""
    return (plan.app, plan.debounce) == (REFERENCE, AS_SPECIFIED)
