"""Faults begun and ended by hand and by the clock, each told, whatever goes wrong."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from harness.errors import FaultUnsupported, StackError, StoryFault
from harness.faults import FAULTS, BlackHole, Cut, Drop, LaptopSleeps, LastSubscriberWins, TabHidden
from harness.faults.fault import Capability, Fault, FrameFault, World
from harness.faults.nemesis import Nemesis, needs_links, told
from harness.history import Recorder
from tests.instant import InstantClock, run
from tests.unit.faults.recording_world import RecordingWorld


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A world fault that notes what it does; each half takes so many seconds, or fails."""

    name: str = "it"
    takes: float = 0.0
    fails: str = ""
    at: float = 0.0
    lasts: float | None = None
    done: list[tuple[float, str]] = field(default_factory=list, compare=False, repr=False)

    needs: ClassVar[frozenset[Capability]] = frozenset()

    async def begin(self, world: World) -> None:
        await self._do("begin", world)

    async def end(self, world: World) -> None:
        await self._do("end", world)

    async def _do(self, what: str, world: World) -> None:
        await world.clock.sleep(self.takes)
        self.done.append((world.clock.now(), f"{what} {self.name}"))
        if what in self.fails:
            raise StackError(f"{what}: the database did not do it")


class NotedLinks:
    def __init__(self) -> None:
        self.done: list[tuple[str, FrameFault]] = []
        self.names = frozenset({"reader", "reader-1", "reader-2"})

    def begin(self, fault: FrameFault) -> None:
        self.done.append(("begin", fault))

    def end(self, fault: FrameFault) -> None:
        self.done.append(("end", fault))


class Stage:
    def __init__(self, *, links: bool = True, pace: float = 1.0, **world: Any) -> None:
        self.clock = InstantClock()
        self.world = RecordingWorld(**world)
        self.links = NotedLinks()
        self.recorder = Recorder(self.clock.now)
        self.nemesis = Nemesis(self.world, self.links if links else None, self.recorder, pace=pace)

    def told(self) -> list[tuple[float, str, str, str | None]]:
        assert all((op.actor, op.f) == ("nemesis", "fault") for op in self.recorder.ops())
        return [(op.time, op.type, op.value.fault, op.error) for op in self.recorder.ops()]


def acted(play: Callable[[Stage], Coroutine[Any, Any, None]], **options: Any) -> Stage:
    """The stage after what was played on it."""

    async def story() -> Stage:
        stage = Stage(**options)
        await play(stage)
        return stage

    return run(story())


def test_a_fault_of_the_world_is_begun_and_ended_on_the_world_and_told() -> None:
    hidden = TabHidden(reader="reader", every=30.0, at=7.0, lasts=9.0)

    async def play(stage: Stage) -> None:
        await stage.nemesis.begin(hidden)
        await stage.nemesis.end(hidden)

    stage = acted(play)

    assert stage.world.done == [("throttle", "reader", 30.0), ("throttle", "reader", None)]
    assert stage.told() == [(0.0, "invoke", "tab_hidden", None), (0.0, "ok", "tab_hidden", None)]
    assert dict(stage.recorder.ops()[0].value) == {"fault": "tab_hidden", "reader": "reader", "every": 30.0}


def test_a_fault_of_frames_is_carried_out_by_the_links() -> None:
    silence = BlackHole(link="reader")

    async def play(stage: Stage) -> None:
        await stage.nemesis.begin(silence)
        await stage.nemesis.end(silence)

    stage = acted(play)

    assert stage.links.done == [("begin", silence), ("end", silence)]
    assert stage.world.done == []


@pytest.mark.parametrize(
    ("fault", "options", "reason"),
    [
        (BlackHole(link="reader"), {"links": False}, "the fault black_hole needs readers that are reached through our"),
        (
            LaptopSleeps(reader="reader"),
            {"capabilities": frozenset({Capability.MACHINES})},
            "the fault laptop_sleeps needs links, which this backend does not have: use --backend embedded",
        ),
        (
            LaptopSleeps(reader="reader"),
            {"capabilities": frozenset()},
            "the fault laptop_sleeps needs links and machines, which this backend does not have",
        ),
    ],
)
def test_what_cannot_be_done_here_is_told_with_the_reason_and_not_tried(
    fault: Fault, options: dict[str, Any], reason: str
) -> None:
    async def play(stage: Stage) -> None:
        with pytest.raises(FaultUnsupported, match=reason):
            await stage.nemesis.begin(fault)
        await stage.nemesis.end(fault)

    stage = acted(play, **options)

    ((_, type_, _, error),) = stage.told()
    assert type_ == "fail"
    assert error is not None
    assert error.startswith(reason)
    assert (stage.world.done, stage.links.done) == ([], [])


@pytest.mark.parametrize(("half", "types"), [("begin", ["fail"]), ("end", ["invoke", "fail"])])
def test_a_half_that_fails_is_told_and_raised_and_not_done_again(half: str, types: list[str]) -> None:
    trouble = Trouble(fails=half)

    async def play(stage: Stage) -> None:
        async def both() -> None:
            await stage.nemesis.begin(trouble)
            await stage.nemesis.end(trouble)

        with pytest.raises(StackError, match=f"{half}: the database did not do it"):
            await both()
        await stage.nemesis.close()

    stage = acted(play)

    assert [type_ for _, type_, _, _ in stage.told()] == types
    assert stage.told()[-1][3] == f"{half}: the database did not do it"
    assert [what for _, what in trouble.done] == ["begin it", "end it"]


def test_one_that_does_not_hold_is_left_alone() -> None:
    async def play(stage: Stage) -> None:
        await stage.nemesis.end(TabHidden(reader="reader"))

    stage = acted(play)

    assert (stage.told(), stage.world.done) == ([], [])


def test_each_is_begun_and_ended_at_its_time_divided_by_the_pace() -> None:
    trouble = Trouble(at=10.0, lasts=30.0)

    async def play(stage: Stage) -> None:
        stage.nemesis.schedule([trouble, BlackHole(link="reader", at=20.0)])
        await stage.clock.sleep(100.0)
        await stage.nemesis.close()

    stage = acted(play, pace=2.0)

    assert stage.told() == [
        (5.0, "invoke", "trouble", None),
        (10.0, "invoke", "black_hole", None),
        (20.0, "ok", "trouble", None),
        (100.0, "ok", "black_hole", None),
    ]


def test_what_still_holds_at_the_end_is_ended_in_reverse_order_and_what_is_due_later_never_begins() -> None:
    done: list[tuple[float, str]] = []
    first, second = Trouble(name="first", done=done), Trouble(name="second", done=done)

    async def play(stage: Stage) -> None:
        await stage.nemesis.begin(first)
        await stage.nemesis.begin(second)
        stage.nemesis.schedule([Trouble(name="third", at=50.0, done=done)])
        await stage.clock.sleep(10.0)
        await stage.nemesis.close()
        await stage.nemesis.close()
        await stage.clock.sleep(100.0)

    acted(play)

    assert done == [(0.0, "begin first"), (0.0, "begin second"), (10.0, "end second"), (10.0, "end first")]


@pytest.mark.parametrize(
    ("closed_at", "done"),
    [
        (11.0, [(15.0, "begin it"), (20.0, "end it")]),
        (21.0, [(15.0, "begin it"), (25.0, "end it")]),
    ],
    ids=["while it begins", "while it ends"],
)
def test_a_fault_in_the_middle_of_its_beginning_or_end_is_done_with_before_all_is_over(
    closed_at: float, done: list[tuple[float, str]]
) -> None:
    slow = Trouble(takes=5.0, at=10.0, lasts=5.0)

    async def play(stage: Stage) -> None:
        stage.nemesis.schedule([slow])
        await stage.clock.sleep(closed_at)
        await stage.nemesis.close()

    stage = acted(play)

    assert slow.done == done
    assert [type_ for _, type_, _, _ in stage.told()] == ["invoke", "ok"]


def test_what_goes_wrong_with_a_scheduled_fault_is_raised_at_the_end_once_and_the_others_are_ended() -> None:
    wrong = Trouble(name="wrong", fails="begin", at=1.0)
    stuck = Trouble(name="stuck", fails="end", at=2.0)
    fine = Trouble(name="fine")

    async def play(stage: Stage) -> None:
        await stage.nemesis.begin(fine)
        stage.nemesis.schedule([wrong, stuck])
        await stage.clock.sleep(10.0)
        with pytest.raises(StackError, match="begin: the database did not do it"):
            await stage.nemesis.close()
        await stage.nemesis.close()

    stage = acted(play)

    assert [what for _, what in fine.done] == ["begin fine", "end fine"]
    assert [(type_, error) for _, type_, _, error in stage.told()] == [
        ("invoke", None),
        ("fail", "begin: the database did not do it"),
        ("invoke", None),
        ("fail", "end: the database did not do it"),
        ("ok", None),
    ]


def test_two_of_the_same_are_two() -> None:
    async def play(stage: Stage) -> None:
        for _ in range(2):
            await stage.nemesis.begin(Cut(link="reader"))
        await stage.nemesis.end(Cut(link="reader"))
        await stage.nemesis.close()

    stage = acted(play)

    assert [type_ for _, type_, _, _ in stage.told()] == ["invoke", "invoke", "ok", "ok"]


def test_an_error_without_words_is_told_by_its_name() -> None:
    class Broken(RecordingWorld):
        def machine(self, reader: str) -> Any:
            raise ZeroDivisionError

    async def story() -> list[str | None]:
        recorder = Recorder(InstantClock().now)
        nemesis = Nemesis(Broken(), None, recorder)
        with pytest.raises(ZeroDivisionError):
            await nemesis.begin(TabHidden(reader="reader"))
        return [op.error for op in recorder.ops()]

    assert run(story()) == ["ZeroDivisionError"]


@pytest.mark.parametrize(
    ("fault", "fields"),
    [
        (BlackHole(link="reader", at=1.0, lasts=2.0), {"link": "reader"}),
        (LastSubscriberWins(links=("one", "two")), {"links": ["one", "two"]}),
        (Trouble(), {"name": "it", "takes": 0.0, "fails": ""}),
    ],
    ids=["times are left out", "a list", "what is not shown is left out"],
)
def test_its_fields_are_told_as_plain_values(fault: Fault, fields: dict[str, Any]) -> None:
    given = told(fault)

    assert {key: given[key] for key in fields} == fields
    assert not {"at", "lasts", "done"} & given.keys()


def test_what_is_not_given_is_told_as_nothing() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Maybe:
        link: str = "reader"
        size: int | None = None
        direction: Any = Capability.SQL
        at: float = 0.0
        lasts: float | None = None

    fault: Any = Maybe()

    assert told(fault) == {"link": "reader", "size": None, "direction": "sql"}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Drop(link="reader"), True),
        (LaptopSleeps(reader="reader"), True),
        (TabHidden(reader="reader"), False),
        (Trouble(), False),
    ],
)
def test_readers_must_be_reached_through_the_proxy_for_faults_of_links(fault: Fault, expected: bool) -> None:
    assert needs_links(fault) is expected


def test_every_fault_of_ours_is_of_one_kind() -> None:
    kinds = {name: (hasattr(kind, "fate"), hasattr(kind, "begin")) for name, kind in FAULTS.items()}

    assert all(sum(kind) == 1 for kind in kinds.values()), kinds


def test_a_nemesis_without_faults_has_nothing_to_end() -> None:
    async def play(stage: Stage) -> None:
        await stage.nemesis.close()

    assert acted(play).told() == []


def test_a_fault_on_a_link_that_nobody_has_is_raised_at_the_end() -> None:
    async def play(stage: Stage) -> None:
        await stage.nemesis.begin(Cut(link="raeder"))
        with pytest.raises(StoryFault, match="the link of 'raeder', which nobody has; links: reader, reader-1"):
            await stage.nemesis.close()

    stage = acted(play)

    assert [what for what, _ in stage.links.done] == ["begin", "end"]
