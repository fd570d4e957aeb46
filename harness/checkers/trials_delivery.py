"""The cases of the checkers of what reaches a reader, and of what it makes of that; see `trials`."""

from collections.abc import Mapping
from typing import Any, Final

from harness.checkers.trial import OWNER, PROCESS, READER, Case, an_op, applied, keys, published, says, watched
from harness.history import Op

_TOPIC: Final = f"process_events:process_id=eq.{PROCESS}"
_ROW: Final = {"table": "process_events", "action": "INSERT", **keys(1)}


def _shown(at: float, actor: str, f: str, status: str) -> Op:
    return an_op(at, actor, f, {"process_id": PROCESS, "status": status, "sections": [], "stale": False})


def _received(at: float, actor: str = READER, **more: Any) -> Op:
    return an_op(at, actor, "receive", {**_ROW, "topic": _TOPIC, "bytes": 400, **more})


def _on_topic(at: float, f: str) -> Op:
    return an_op(at, READER, f, {"topic": _TOPIC})


_BINDINGS: Final = [
    {"event": "INSERT", "schema": "public", "table": "process_events", "filter": f"process_id=eq.{PROCESS}"},
    {"event": "INSERT", "schema": "public", "table": "process_events", "filter": "process_id=eq.another"},
]
_LISTENS: Final = an_op(
    0.1, "listener", "listen", {"topic": "both", "bindings": _BINDINGS, "user_id": OWNER, "role": "authenticated"}
)
_LARGE: Final = 2**53 + 1
_SETTLED: Final = an_op(2.0, "story", "settle", {"timeout": 30.0})

DELIVERY: Final[Mapping[str, Case]] = {
    "accounting": Case(
        bug="a committed event never reaches the reader, which is told nothing",
        common=(*watched(), *published(1.0, 1), *published(2.0, 2), applied(2.1, 2)),
        right=(applied(1.1, 1),),
    ),
    "order": Case(
        bug="two events are applied the wrong way round",
        common=(*watched(), *published(1.0, 1), *published(1.1, 2), applied(1.2, 2)),
        wrong=(applied(1.3, 1),),
        right=(applied(1.15, 1),),
    ),
    "content": Case(
        bug="an event arrives with other data than was emitted",
        common=(*watched(), *published(1.0, 1)),
        wrong=(applied(1.1, 1, content="something else"),),
        right=(applied(1.1, 1),),
    ),
    "duplicates": Case(
        bug="an event is applied twice",
        common=(*watched(), *published(1.0, 1), applied(1.1, 1)),
        wrong=(applied(1.2, 1),),
    ),
    "readiness": Case(
        bug="an event that was committed between the join reply and ready is never fetched",
        common=(*watched(), _on_topic(0.5, "join"), *published(1.0, 1), _on_topic(2.0, "ready")),
        right=(applied(2.1, 1, via="fetch"),),
    ),
    "recovery": Case(
        bug="after an outage the reader goes on live and fetches what it missed much too late",
        common=(
            *watched(),
            _on_topic(0.2, "join"),
            _on_topic(0.3, "ready"),
            an_op(1.0, READER, "close", {"code": 1006, "reason": "", "by": "server"}),
            *published(2.0, 1),
            _on_topic(3.0, "join"),
            _on_topic(3.2, "ready"),
        ),
        wrong=(applied(60.0, 1, via="fetch"),),
        right=(applied(3.4, 1, via="fetch"),),
    ),
    "cursor_safety": Case(
        bug="the cursor follows the highest sequence seen, and an older event is committed after it",
        common=(*watched(), *published(1.0, 2), *published(2.0, 1)),
        wrong=(applied(1.1, 2),),
        right=(applied(2.1, 1), applied(2.2, 2)),
    ),
    "convergence": Case(
        bug="at rest the reader shows another status than the database holds",
        common=(*watched(), _SETTLED, _shown(2.1, "story", "database", "completed")),
        wrong=(_shown(2.2, READER, "view", "running"),),
        right=(_shown(2.2, READER, "view", "completed"),),
    ),
    "row_security": Case(
        bug="a row reaches somebody who has no right to it",
        common=(
            *watched(),
            an_op(
                0.1, "stranger", "subscribe", {"process_id": PROCESS, "user_id": "stranger", "role": "authenticated"}
            ),
            *published(1.0, 1),
            _received(1.1),
        ),
        wrong=(_received(1.1, "stranger"),),
    ),
    "routing": Case(
        bug="every handler of a channel is called for every change",
        common=(_LISTENS,),
        wrong=(_received(1.0, "listener", handlers=[0, 1], record={"process_id": PROCESS}),),
        right=(_received(1.0, "listener", handlers=[0], record={"process_id": PROCESS}),),
    ),
    "payload": Case(
        bug="a row comes without one of its columns, and the reader does not notice",
        common=(*watched(), *published(1.0, 1), _received(1.1, missing=["event_data"])),
        right=(an_op(1.2, READER, "fetch", {"process_id": PROCESS, "since": 0}, type="invoke"),),
    ),
    "value_fidelity": Case(
        bug="a large number is rounded on its way",
        common=(an_op(2.0, "story", "read_back", {**_ROW, "record": {"event_sequence": _LARGE}}),),
        wrong=(_received(1.0, "listener", record={"event_sequence": _LARGE - 1}),),
        right=(_received(1.0, "listener", record={"event_sequence": _LARGE}),),
    ),
    "workflow": Case(
        bug="an event comes after the process is completed",
        common=(*published(1.0, 1, "process_created"), *published(2.0, 2, "process_completed")),
        wrong=published(3.0, 3, "heartbeat"),
    ),
    "staleness": Case(
        bug="a reader that says it is live shows something old for too long",
        common=(*watched(), says(0.5, "live"), *published(1.0, 1)),
        wrong=(applied(60.0, 1),),
        right=(applied(1.1, 1),),
    ),
}
