"""Planted bugs of delivery: lost when getting ready, doubled, misrouted, changed on the way, late."""

from dataclasses import replace

from harness.history import History, Op
from tests.histories.clean import LISTENER
from tests.mutants.mutant import READER, Mutant, is_at_reader, numbered, with_value


def researches(history: History) -> tuple[Op, ...]:
    """The commits of an event type that leads to nothing else."""
    return tuple(history.where(f="commit", event_type="research_progress"))


def a_frame_is_applied_twice(history: History) -> History:
    """The same row comes in two frames, and the client looks at neither id nor sequence (D-56)."""
    twice = history.where(f="apply", actor=READER, event_type="research_progress")[1]
    return numbered([*history[: twice.index + 1], twice, *history[twice.index + 1 :]])


def a_retry_has_no_key(history: History) -> History:
    """What the database had already committed is written again under another id and number (D-22)."""
    first, again = (op.value.event_id for op in researches(history)[1:3])
    (emit,) = history.where(f="emit", event_id=first)
    told = {"content": emit.value.content}
    return numbered(
        with_value(op, **told, **({"intent": emit.value.intent} if op.f == "emit" else {}))
        if op.f in ("emit", "apply") and op.value.get("event_id") == again
        else op
        for op in history
    )


def the_join_reply_is_believed(history: History) -> History:
    """The client takes SUBSCRIBED for ready and never asks for what was committed before."""
    return numbered(op for op in history if not (is_at_reader(op, "deliver", "apply") and op.value.sequence == 1))


def the_fetch_begins_one_too_early(history: History) -> History:
    """After the outage the reader asks since the event before its last one, and applies what comes."""
    first = next(op for op in history.where(f="apply", actor=READER, via="fetch") if op.value.sequence > 1)
    (had,) = history.where(f="apply", actor=READER, sequence=first.value.sequence - 1)
    again = replace(with_value(had, via="fetch"), time=first.time)
    return numbered([*history[: first.index], again, *history[first.index :]])


def the_cursor_is_the_highest_seen(history: History) -> History:
    """A frame is lost; the cursor goes on without it, and that something is missing is told afterwards."""
    lost = researches(history)[1].value.sequence
    (following,) = history.where(f="apply", actor=READER, sequence=lost + 1)
    gap = with_value(replace(following, f="gap"), after=lost - 1, before=lost + 1)
    told = [*history[: following.index + 1], gap, *history[following.index + 1 :]]
    gone = ("receive", "deliver", "apply")
    return numbered(op for op in told if not (is_at_reader(op, *gone) and op.value.sequence == lost))


def every_handler_is_called(history: History) -> History:
    """The client calls all handlers of a channel, whatever the ids say (realtime-py#315)."""
    return numbered(
        with_value(op, handlers=[0, 1]) if op.actor == LISTENER and op.f == "receive" else op for op in history
    )


def a_row_comes_on_another_topic(history: History) -> History:
    """A row of the events appears in the callback of the state (supabase-js#1721)."""
    astray = history.where(f="receive", actor=READER)[5]
    topic = astray.value.topic.replace("process_events", "process_state")
    return numbered(with_value(op, topic=topic) if op is astray else op for op in history)


def a_column_stays_out(history: History) -> History:
    """A large value that did not change is not in the WAL (D-46), and nobody looks."""
    return numbered(
        with_value(op, missing=["article_context"]) if op.actor == LISTENER and op.f == "receive" else op
        for op in history
    )


def a_number_is_rounded(history: History) -> History:
    return numbered(
        with_value(op, record={**op.value.record, "progress": 87}) if op.actor == LISTENER and op.f == "receive" else op
        for op in history
    )


def the_pause_never_ends(history: History) -> History:
    """Nobody says that the process is resumed, and yet it completes."""
    return retyped(history, "process_resumed", "heartbeat")


def a_completed_process_goes_on(history: History) -> History:
    return retyped(history, "process_paused", "process_completed")


def retyped(history: History, event_type: str, other: str) -> History:
    return numbered(
        with_value(op, event_type=other) if op.value.get("event_type") == event_type else op for op in history
    )


def the_backlog_grows(history: History) -> History:
    """The server is behind: the last event comes after seven seconds, and all the time the client says it is live."""
    last = history.where(f="receive")[-2]
    return numbered(replace(op, time=op.time + 7.0) if op.index >= last.index else op for op in history)


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        bug="a frame is applied twice",
        convicted_by="duplicates",
        change=a_frame_is_applied_twice,
        also=frozenset(),
    ),
    Mutant(bug="a retry has no key", convicted_by="duplicates", change=a_retry_has_no_key, also=frozenset()),
    Mutant(
        bug="the join reply is believed",
        convicted_by="readiness",
        change=the_join_reply_is_believed,
        also=frozenset({"accounting", "recovery", "cursor_safety", "workflow", "staleness"}),
    ),
    Mutant(
        bug="the fetch begins one too early",
        convicted_by="recovery",
        change=the_fetch_begins_one_too_early,
        also=frozenset({"duplicates"}),
    ),
    Mutant(
        bug="the cursor is the highest seen",
        convicted_by="cursor_safety",
        change=the_cursor_is_the_highest_seen,
        also=frozenset(),
    ),
    Mutant(bug="every handler is called", convicted_by="routing", change=every_handler_is_called, also=frozenset()),
    Mutant(
        bug="a row comes on another topic",
        convicted_by="routing",
        change=a_row_comes_on_another_topic,
        also=frozenset(),
    ),
    Mutant(bug="a column stays out", convicted_by="payload", change=a_column_stays_out, also=frozenset()),
    Mutant(bug="a number is rounded", convicted_by="value_fidelity", change=a_number_is_rounded, also=frozenset()),
    Mutant(bug="the pause never ends", convicted_by="workflow", change=the_pause_never_ends, also=frozenset()),
    Mutant(
        bug="a completed process goes on", convicted_by="workflow", change=a_completed_process_goes_on, also=frozenset()
    ),
    Mutant(bug="the backlog grows", convicted_by="staleness", change=the_backlog_grows, also=frozenset({"latency"})),
)
