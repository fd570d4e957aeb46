"""The steps of a story, as values: what happens, never how; the interpreter performs them on a backend.

Seconds in a step are the story's own time and are divided by `--pace`; a `timeout` is a limit on waiting for
the system and is not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from harness.errors import UsageError
from harness.events.types import InputType


@dataclass(frozen=True, slots=True, kw_only=True)
class StartProcess:
    """A user asks for an article: `POST /api/articles/generation`. `simulation` are the flow's options."""

    process: str
    owner: str
    simulation: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    """A browser of `user` opens the page of a process and subscribes to its two channels."""

    reader: str
    to: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitReady:
    """Until both channels of the reader are ready and its backfill is applied."""

    reader: str
    timeout: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitFor:
    """Until the reader has applied `count` events of a type, counted from the start of its life."""

    reader: str
    event_type: str
    count: int = 1
    timeout: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitCommitted:
    """Until the tables hold `count` events of a type, whoever has seen them."""

    process: str
    event_type: str
    count: int = 1
    timeout: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The user, seeing the question in this browser, thinks for `after` seconds and answers it.

    Waits until the reader shows a question of this type that it has not answered yet.
    """

    reader: str
    input_type: str
    action: str = "select"
    payload: Mapping[str, Any] = field(default_factory=dict)
    after: float = 1.0
    timeout: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """The user presses pause."""

    reader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """The user presses resume."""

    reader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """The browser acknowledges what it has applied: `POST …/events/ack`."""

    reader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect:
    """The reader's TCP connection breaks without a close frame; its client comes back by its own policy."""

    reader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """The browser closes the page for good: nothing later is owed to it."""

    reader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing happens for a while."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Until every hop is quiet: flows at rest, all committed events applied by all who are owed them."""

    timeout: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Several stories at once; ends when all have ended."""

    stories: tuple[tuple["Step", ...], ...]


Step = (
    StartProcess
    | Subscribe
    | WaitReady
    | WaitFor
    | WaitCommitted
    | Answer
    | Pause
    | Resume
    | Acknowledge
    | Disconnect
    | Leave
    | Wait
    | Settle
    | Together
)


def start_process(process: str, *, owner: str, simulation: Mapping[str, Any] | None = None) -> StartProcess:
    return StartProcess(process=process, owner=owner, simulation=simulation or {})


def subscribe(reader: str, *, to: str, user: str) -> Subscribe:
    return Subscribe(reader=reader, to=to, user=user)


def wait_ready(reader: str, *, timeout: float = 30.0) -> WaitReady:
    return WaitReady(reader=reader, timeout=timeout)


def wait_for(reader: str, event_type: str, *, count: int = 1, timeout: float = 120.0) -> WaitFor:
    return WaitFor(reader=reader, event_type=event_type, count=count, timeout=timeout)


def wait_committed(process: str, event_type: str, *, count: int = 1, timeout: float = 120.0) -> WaitCommitted:
    return WaitCommitted(process=process, event_type=event_type, count=count, timeout=timeout)


def answer(
    reader: str,
    input_type: str,
    *,
    action: str = "select",
    payload: Mapping[str, Any] | None = None,
    after: float = 1.0,
    timeout: float = 120.0,
) -> Answer:
    if input_type not in get_args(InputType):
        raise UsageError(f"no question {input_type!r}: {', '.join(get_args(InputType))}")
    return Answer(
        reader=reader, input_type=input_type, action=action, payload=payload or {}, after=after, timeout=timeout
    )


def pause(reader: str) -> Pause:
    return Pause(reader=reader)


def resume(reader: str) -> Resume:
    return Resume(reader=reader)


def acknowledge(reader: str) -> Acknowledge:
    return Acknowledge(reader=reader)


def disconnect(reader: str) -> Disconnect:
    return Disconnect(reader=reader)


def leave(reader: str) -> Leave:
    return Leave(reader=reader)


def wait(seconds: float) -> Wait:
    return Wait(seconds=seconds)


def settle(*, timeout: float = 30.0) -> Settle:
    return Settle(timeout=timeout)


def together(*stories: Iterable[Step]) -> Together:
    return Together(stories=tuple(tuple(story) for story in stories))
