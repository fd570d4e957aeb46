"""The cases of the checkers of connections, servers and load; see `trials`."""

from collections.abc import Mapping
from typing import Any, Final

from harness.checkers.checker import Valid
from harness.checkers.trial import PROCESS, READER, Case, an_op, applied, keys, published, says, watched
from harness.history import Op

_TOPIC: Final = f"process_events:process_id=eq.{PROCESS}"
_ROW: Final = {"table": "process_events", "action": "INSERT", **keys(1)}
_ENDS: Final = an_op(100.0, "story", "settle", {"timeout": 30.0})
_CUT: Final = an_op(10.0, READER, "close", {"code": 1006, "reason": "", "by": "server"})


def _chunk(at: float, sequence: int) -> tuple[Op, ...]:
    """A chunk of text that a debouncer gives out at that time."""
    told = {"process_id": PROCESS, "event_id": f"event-{sequence}", "event_type": "section_chunk"}
    place = {"section_index": 0, "attempt": 1, "chunk_index": sequence}
    return (
        an_op(at, "app", "emit", {**told, "intent": sequence, "delivery_class": "append", **place}),
        an_op(at, "app", "debounce", {**told, "outcome": "published", "into": told["event_id"]}),
        an_op(at, "app", "insert", {**told, "attempt": 1}, type="invoke"),
    )


def _joins(at: float, *, expires: float) -> Op:
    """What the server saw; 1000 is its time then."""
    token: dict[str, Any] = {"role": "authenticated", "expires": expires, "wall": 1000.0}
    return an_op(at, "realtime", "join", {"link": READER, "topic": f"realtime:{_TOPIC}", **token})


def _on_topic(at: float, f: str) -> Op:
    return an_op(at, READER, f, {"topic": _TOPIC})


def _counts(at: float, label: str, channels: int) -> Op:
    return an_op(at, "story", "census", {"label": label, "counts": {"engine.channels": channels}})


CONNECTION: Final[Mapping[str, Case]] = {
    "rate_bound": Case(
        bug="two chunks of a section are published 50 ms apart, and one in 200 ms is declared",
        common=_chunk(1.0, 1),
        wrong=_chunk(1.05, 2),
        right=_chunk(1.2, 2),
    ),
    "canary": Case(
        bug="a reader says that it is live and hears nothing of an event for a minute and more",
        common=(*watched(), says(1.0, "live"), *published(2.0, 1), _ENDS),
        right=(an_op(2.1, READER, "receive", {**_ROW, "topic": _TOPIC, "bytes": 400}),),
    ),
    "status": Case(
        bug="a reader whose socket is closed goes on saying that it is live",
        common=(*watched(), says(1.0, "live"), _CUT, _ENDS),
        right=(says(10.1, "offline"),),
    ),
    "tokens": Case(
        bug="a reader joins with a token that ended a minute ago",
        common=watched(),
        wrong=(_joins(1.0, expires=940.0),),
        right=(_joins(1.0, expires=1060.0),),
    ),
    "errors_surfaced": Case(
        bug="the subscription is refused, and the reader goes on saying that it is live",
        common=(
            *watched(),
            says(1.0, "live"),
            an_op(5.0, READER, "system", {"topic": _TOPIC, "extension": "postgres_changes"}, type="fail"),
            _ENDS,
        ),
        right=(says(5.1, "offline"),),
    ),
    "retry_storm": Case(
        bug="after its socket was closed a reader never comes back",
        common=(*watched(), _on_topic(0.5, "join"), _on_topic(0.6, "ready"), _CUT, _ENDS),
        right=(_on_topic(12.0, "join"), _on_topic(12.1, "ready")),
    ),
    "resources": Case(
        bug="the server keeps a channel that nobody is in any more",
        common=(_counts(1.0, "before", 2),),
        wrong=(_counts(9.0, "after", 3),),
        right=(_counts(9.0, "after", 2),),
    ),
    "latency": Case(
        bug="an event is applied six seconds after it was committed",
        common=(*watched(), *published(1.0, 1)),
        wrong=(applied(7.0, 1),),
        right=(applied(1.1, 1),),
    ),
    "generator_health": Case(
        bug="a load generator says an event half a second after it was due",
        common=watched(),
        wrong=published(1.5, 1, due=1.0),
        right=published(1.001, 1, due=1.0),
        says=Valid.UNKNOWN,
    ),
}
