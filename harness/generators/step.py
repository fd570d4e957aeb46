"""The steps of a story, as values: what happens, never how; the interpreter performs them on a backend.

Seconds in a step are the story's own time and are divided by `--pace`; a `timeout` is a limit on waiting for
the system and is not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from harness.errors import UsageError
from harness.events.types import EventData, InputType
from harness.faults.fault import Fault

Variant = Literal["rejoin_without_bindings"]
"""Clients with a bug: realtime-py#213 builds the payload of a rejoin without the bindings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartProcess:
    """A user asks for an article: `POST /api/articles/generation`. `simulation` are the flow's options."""

    process: str
    owner: str
    simulation: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    """A browser of `user` opens the page of a process and subscribes to its two channels.

    Its tokens are good for `token_ttl` seconds. Not `signed_in`: the session of the user is not loaded yet, and the
    page joins as anybody until `SignIn`. `variant` names a client that behaves as one with a known bug did.
    """

    reader: str
    to: str
    user: str
    token_ttl: float = 3600.0
    signed_in: bool = True
    variant: Variant | None = None


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
class SignIn:
    """The session of the reader's user has been loaded, and the page hears of it."""

    reader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remount:
    """The page is taken down and put up again within one turn of the event loop, as React's StrictMode does."""

    reader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A generation that was held back begins."""

    process: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Emit:
    """The application says one event of a process. Returns when its publisher has taken it, see `EventPublisher`."""

    process: str
    data: EventData


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """The application writes `count` events of a process in one statement, as an import or a backfill does."""

    process: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """A client of `user` that just listens: one channel, one handler for each binding, no recovery.

    Done when its channel is ready or refused. A binding is an element of a join's `postgres_changes`, in which `{name}`
    is the id of a process of the story, as in `Sql`.
    """

    listener: str
    topic: str
    bindings: tuple[Mapping[str, str], ...]
    user: str
    role: str = "authenticated"
    timeout: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql:
    """Somebody runs a statement as superuser. `{schema}` is the quoted schema, `{name}` the id of a process.

    A brace that means itself is doubled, as for `str.format`.
    """

    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """Reads the rows of a process as the application's HTTP side gives them, to be held against what came live."""

    process: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanUp:
    """The application's daily cleanup job runs once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Counts what server, application and readers keep: channels, subscriptions, timers, held events."""

    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A fault begins; `End` with the same fault ends it, or the end of the story."""

    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """A fault ends."""

    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitStatus:
    """Until the reader says of itself that it is in that status."""

    reader: str
    status: str
    timeout: float = 30.0


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
    | SignIn
    | Remount
    | Release
    | Emit
    | Bulk
    | Listen
    | Sql
    | ReadBack
    | CleanUp
    | Census
    | Begin
    | End
    | WaitStatus
    | Wait
    | Settle
    | Together
)


def start_process(process: str, *, owner: str, simulation: Mapping[str, Any] | None = None) -> StartProcess:
    return StartProcess(process=process, owner=owner, simulation=simulation or {})


def subscribe(
    reader: str,
    *,
    to: str,
    user: str,
    token_ttl: float = 3600.0,
    signed_in: bool = True,
    variant: Variant | None = None,
) -> Subscribe:
    return Subscribe(reader=reader, to=to, user=user, token_ttl=token_ttl, signed_in=signed_in, variant=variant)


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


def sign_in(reader: str) -> SignIn:
    return SignIn(reader=reader)


def remount(reader: str) -> Remount:
    return Remount(reader=reader)


def release(process: str) -> Release:
    return Release(process=process)


def emit(process: str, data: EventData) -> Emit:
    return Emit(process=process, data=data)


def bulk(process: str, count: int) -> Bulk:
    return Bulk(process=process, count=count)


def listen(
    listener: str,
    *bindings: Mapping[str, str],
    user: str,
    topic: str = "",
    role: str = "authenticated",
    timeout: float = 30.0,
) -> Listen:
    """`topic` is the listener's name if it is not given."""
    return Listen(listener=listener, topic=topic or listener, bindings=bindings, user=user, role=role, timeout=timeout)


def sql(statement: str) -> Sql:
    return Sql(statement=statement)


def read_back(process: str) -> ReadBack:
    return ReadBack(process=process)


def clean_up() -> CleanUp:
    return CleanUp()


def census(label: str) -> Census:
    return Census(label=label)


def begin(fault: Fault) -> Begin:
    return Begin(fault=fault)


def end(fault: Fault) -> End:
    return End(fault=fault)


def wait_status(reader: str, status: str, *, timeout: float = 30.0) -> WaitStatus:
    return WaitStatus(reader=reader, status=status, timeout=timeout)


def wait(seconds: float) -> Wait:
    return Wait(seconds=seconds)


def settle(*, timeout: float = 30.0) -> Settle:
    return Settle(timeout=timeout)


def together(*stories: Iterable[Step]) -> Together:
    return Together(stories=tuple(tuple(story) for story in stories))
