"""A user that crashes ends, and is told of."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from gevent.event import Event  # type: ignore[import-untyped]
from locust.env import Environment

from harness.pipeline.reader_status import Status
from load.playing.users import Churner, Reader, Storm, Writer, enter


class Stage:
    """As users see it. `page` is what each is given."""

    def __init__(self, page: Any, generation: Any) -> None:
        self.plan = SimpleNamespace(middle=0.0)
        self.troubles: list[str] = []
        self.told: list[tuple[str, bool]] = []
        self.taken: list[str] = []
        self._page = page
        self._generation = generation

    def take(self, kind: str) -> int:
        self.taken.append(kind)
        return 0

    def trouble(self, what: str) -> None:
        self.troubles.append(what)

    def generations(self) -> Iterator[Any]:
        yield self._generation

    def page(self, kind: str, number: int, generation: Any) -> Any:
        return self._page

    wire = page

    def chance(self, name: str) -> Any:
        return SimpleNamespace(choice=lambda those: those[0], uniform=lambda low, high: 0.0, random=lambda: 1.0)

    def tell(self, kind: str, name: str, seconds: float, *, error: Exception | None = None) -> None:
        self.told.append((kind, error is None))


class Generation:
    """One that has begun; pages that are kept are in `kept`."""

    storm = True

    def __init__(self) -> None:
        self.processes = {0: SimpleNamespace(process_id="p")}
        self.begun, self.said = Event(), Event()
        self.begun.set()
        self.kept: list[Any] = []

    def keep(self, wire: Any) -> None:
        self.kept.append(wire)

    def let_go(self, wire: Any) -> None:
        self.kept.remove(wire)

    def published(self, process: Any) -> Any:
        raise RuntimeError("no more")

    def until(self, seconds: float) -> float:
        return 0.0

    def visits(self, name: str) -> None: ...

    def has_left(self, name: str) -> None: ...


class Page:
    """Never live. It stays until it is closed, or crashes at once."""

    def __init__(self, *, crashes: bool, generation: Generation) -> None:
        self.tab = SimpleNamespace(status=Status.CONNECTING)
        self._crashes = crashes
        self._closed = Event()
        self._generation = generation

    def run(self) -> None:
        self._generation.said.set()
        if self._crashes:
            raise RuntimeError("no more")
        self._closed.wait()

    def close(self, *, leaves: bool) -> None:
        self._closed.set()

    def drop(self) -> None: ...


def played(kind: Any, *, crashes: bool) -> tuple[Stage, Generation, int]:
    """What one user came to: also how many crashes Locust has heard of."""
    generation = Generation()
    stage: Any = Stage(Page(crashes=crashes, generation=generation), generation)
    enter(stage)
    environment, errors = Environment(), []
    environment.events.user_error.add_listener(lambda **told: errors.append(told))  # type: ignore[no-untyped-call]
    kind(environment).run()
    return stage, generation, len(errors)


@pytest.mark.parametrize("kind", [Writer, Reader, Storm, Churner])
def test_a_crash_makes_the_run_unknown_and_is_not_repeated(kind: Any) -> None:
    stage, generation, errors = played(kind, crashes=True)

    assert stage.troubles == [f"a {kind.__name__} crashed: RuntimeError: no more"]
    assert (len(stage.taken), errors, generation.kept) == (1, 1, [])


def test_who_is_not_live_when_all_is_said_has_not_joined() -> None:
    stage, _, errors = played(Churner, crashes=False)

    assert (stage.told, stage.troubles, errors) == ([("join", False)], [], 0)
