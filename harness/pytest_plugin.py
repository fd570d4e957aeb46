"""The pytest plugin (contract 7): a stack, a publisher, readers and verdicts as fixtures of a team's own tests.

Loaded by installing the package; what a stack is made of is imported when a test asks for a fixture.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.backends.options import StackOptions
    from harness.testing import Publisher, Recorded, Running, Subscribing, TestCase, TestStack

BACKENDS = ("embedded", "compose")
TITLE = "Realtime timeline"
_TIMELINES: "pytest.StashKey[Callable[[], str]]" = pytest.StashKey()
"""Says where the timelines of a test lie, one a line; there is one for tests that asked for a fixture."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of contract 7."""
    group = parser.getgroup("realtime", "Supabase Realtime")
    group.addoption(
        "--realtime-backend", choices=BACKENDS, default="embedded", help="the stack of the fixtures (embedded)"
    )
    group.addoption("--realtime-runs", type=Path, default=Path("runs"), help="where timelines are written (runs)")


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> "Iterator[TestStack]":
    """One stack for all tests of the session; `stack.environment` says how to reach it."""
    from harness.testing import TestStack

    cadence = "instant" if request.config.getoption("--realtime-backend") == "embedded" else "real"
    one = TestStack(
        _options(request.config, cadence), runs=request.config.getoption("--realtime-runs"), tell=lambda _: None
    )
    one.start()
    yield one
    one.stop()


@pytest.fixture
def _realtime_case(stack: "TestStack", request: pytest.FixtureRequest) -> "Iterator[TestCase]":
    from harness.testing import TestCase, timeline

    case = TestCase(stack, request.node.name)
    _tell_of(request.node, lambda: timeline(case))
    yield case
    case.close()


@pytest.fixture
def publisher(_realtime_case: "TestCase") -> "Publisher":
    """Starts processes and publishes events: `await publisher.start("article")`, `await publisher.publish(…)`."""
    from harness.testing import Publisher

    return Publisher(_realtime_case)


@pytest.fixture
def subscriber(_realtime_case: "TestCase") -> "Subscribing":
    """Opens the page of a process: `reader = await subscriber("article", user="alice")`."""
    from harness.testing import Subscribing

    return Subscribing(_realtime_case)


@pytest.fixture
def history(_realtime_case: "TestCase") -> "Recorded":
    """What happened in this test, and what checkers say of it: `history.judge(Order())`."""
    from harness.testing import Recorded

    return Recorded(_realtime_case)


@pytest.fixture
def run(request: pytest.FixtureRequest) -> "Iterator[Running]":
    """Runs a scenario on a stack of its own: `run("disconnect", seed=7).valid`."""
    from harness.testing import Loop, Running

    loop = Loop()
    running = Running(loop, _options(request.config, "real"), request.config.getoption("--realtime-runs"))
    _tell_of(request.node, lambda: "\n".join(running.reports))
    yield running
    loop.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A test that failed on the stack prints the paths of its timelines."""
    outcome: Any = yield
    report: pytest.TestReport = outcome.get_result()
    if report.when == "call" and report.failed and _TIMELINES in item.stash:
        report.sections.append((TITLE, item.stash[_TIMELINES]()))


def _options(config: pytest.Config, cadence: Any) -> "StackOptions":
    from harness.backends.options import StackOptions
    from harness.tokens import DEVELOPMENT_SECRET

    backend = config.getoption("--realtime-backend")
    return StackOptions(backend=backend, cadence=cadence, limits="off", jwt_secret=DEVELOPMENT_SECRET)


def _tell_of(test: Any, timelines: Callable[[], str]) -> None:
    """Say them after those of other fixtures of the test."""
    before = test.stash.get(_TIMELINES, None)
    test.stash[_TIMELINES] = timelines if before is None else lambda: f"{before()}\n{timelines()}".strip()
