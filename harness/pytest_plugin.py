"""The pytest plugin (contract 7): a stack, a publisher, readers and verdicts as fixtures of a team's own tests.

Loaded by installing the package. Nothing of the harness is imported before a test asks for a fixture.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.testing import Publisher, Recorded, Running, Subscribing, TestCase, TestStack

BACKENDS = ("embedded", "compose")
_CASE: pytest.StashKey["TestCase"] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of contract 7."""
    group = parser.getgroup("realtime", "Supabase Realtime")
    group.addoption(
        "--realtime-backend", choices=BACKENDS, default="embedded", help="the stack of the fixture `stack` (embedded)"
    )
    group.addoption("--realtime-runs", type=Path, default=Path("runs"), help="where timelines are written (runs)")


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> "Iterator[TestStack]":
    """One stack for all tests of the session; `stack.environment` says how to reach it."""
    from harness.backends.options import StackOptions
    from harness.testing import TestStack
    from harness.tokens import DEVELOPMENT_SECRET

    backend = request.config.getoption("--realtime-backend")
    cadence: Any = "instant" if backend == "embedded" else "real"
    options = StackOptions(backend=backend, cadence=cadence, limits="off", jwt_secret=DEVELOPMENT_SECRET)
    one = TestStack(options, runs=request.config.getoption("--realtime-runs"), tell=lambda _: None)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def _realtime_case(stack: "TestStack", request: pytest.FixtureRequest) -> "Iterator[TestCase]":
    from harness.testing import TestCase

    case = TestCase(stack, request.node.name)
    request.node.stash[_CASE] = case
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
    """Runs a scenario on a stack of its own: `run("scenarios/silent_socket.py", seed=7).valid`."""
    from harness.backends.options import StackOptions
    from harness.testing import Loop, Running
    from harness.tokens import DEVELOPMENT_SECRET

    loop = Loop()
    options = StackOptions(
        backend=request.config.getoption("--realtime-backend"), limits="off", jwt_secret=DEVELOPMENT_SECRET
    )
    yield Running(loop, options, request.config.getoption("--realtime-runs"))
    loop.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A test that failed on the stack prints the path of its timeline."""
    outcome: Any = yield
    report: pytest.TestReport = outcome.get_result()
    case = item.stash.get(_CASE, None)
    if case is not None and report.when == "call" and report.failed:
        report.sections.append(("Realtime timeline", str(case.write())))
