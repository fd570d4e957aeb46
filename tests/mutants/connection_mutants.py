"""Planted bugs of connections, load and resources: deaf, untrue, stale tokens, silent refusals, storms, leaks, late."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from harness.checkers import Valid
from harness.history import History, Op
from tests.histories.literal import an_op
from tests.mutants.mutant import READER, Mutant, is_at_reader, numbered, with_value

COMES = ("receive", "deliver", "apply", "fetch")


def in_time(ops: Iterable[Op]) -> History:
    return numbered(sorted(ops, key=lambda op: op.time))


def long_run(history: History) -> Iterable[Op]:
    """The same, but everything from the last rest on comes a hundred seconds later."""
    rest = history.where(f="settle", type="invoke")[0]
    return (replace(op, time=op.time + 100.0) if op.index >= rest.index else op for op in history)


def outage(history: History) -> Op:
    return history.where(f="close", actor=READER, by="server")[0]


def the_debouncer_lets_everything_pass(history: History) -> History:
    """A chunk is published at once, whatever its interval says."""
    first, second = history.where(f="emit", event_type="section_chunk")[1:3]
    sooner = second.time - first.time - 0.03
    app = ("emit", "debounce", "insert")
    return in_time(
        replace(op, time=op.time - sooner) if op.f in app and op.value.get("event_id") == second.value.event_id else op
        for op in history
    )


def the_server_forgets_the_subscription(history: History) -> History:
    """From some time on nothing comes to the reader, whose channel stays joined."""
    deaf = history.where(f="receive", actor=READER)[3].time
    return in_time(op for op in long_run(history) if not (is_at_reader(op, *COMES) and op.time >= deaf))


def a_closed_socket_is_called_live(history: History) -> History:
    """The client does not notice that its socket is gone, and never comes back."""
    close = outage(history)
    later = (*COMES, "status", "open", "join", "ready")
    return in_time(op for op in long_run(history) if not (is_at_reader(op, *later) and op.time >= close.time))


def the_last_sockets_timer_closes_the_next(history: History) -> History:
    """A heartbeat that the old socket never got an answer to is held against the new one (supabase-js 2625)."""
    back = next(op for op in history if is_at_reader(op, "status") and op.index > outage(history).index + 3)
    close = an_op(READER, "close", at=back.time + 0.5, code=1000, reason="heartbeat timeout", by="client")
    return in_time([*history, close])


def the_token_of_yesterday_is_used_again(history: History) -> History:
    """After the outage the client rejoins with the token that it began with."""
    cut = outage(history).time
    return numbered(
        with_value(op, expires=op.value.wall - 60.0) if op.f == "join" and _is_at_link(op) and op.time > cut else op
        for op in history
    )


def the_client_joins_before_it_knows_who_it_is(history: History) -> History:
    return numbered(with_value(op, role="anon") if op.f == "join" and _is_at_link(op) else op for op in history)


def a_refusal_is_only_logged(history: History) -> History:
    at = history.where(f="status", actor=READER, status="live")[0].time + 1.0
    refused = an_op(READER, "system", at=at, type="fail", error="no", topic="t", extension="postgres_changes")
    ready = an_op(READER, "ready", at=at + 20.0, topic="t")  # it is true again before two heartbeats have passed
    return in_time([*long_run(history), refused, ready])


def a_refused_join_is_tried_at_once_for_ever(history: History) -> History:
    cut = outage(history).time
    join = history.where(f="join", actor="realtime", link=READER)[0]
    tries = [replace(join, time=cut + 0.01 + 0.02 * number, type="fail", error="too many") for number in range(40)]
    return in_time([*history, *tries])


def all_come_back_at_once(history: History) -> History:
    """A hundred and twenty tabs reconnect without jitter."""
    join = history.where(f="join", actor="realtime", link=READER)[0]
    tabs = [with_value(join, link=f"tab-{number}") for number in range(120)]
    cut = outage(history).time
    return in_time([*history, *tabs, *(replace(tab, time=cut + 0.2) for tab in tabs)])


def the_reader_gives_up_after_five_tries(history: History) -> History:
    close = outage(history)
    later = (*COMES, "open", "join", "ready")
    gives_up = ("live", "catching_up", "connecting")
    return in_time(
        op
        for op in long_run(history)
        if op.time < close.time
        or not (is_at_reader(op, *later) or (is_at_reader(op, "status") and op.value.status in gives_up))
    )


def a_channel_is_never_given_back(history: History) -> History:
    return numbered(
        with_value(op, counts={**op.value.counts, "engine.channels": op.value.counts["engine.channels"] + 1})
        if op.f == "census" and op.value.label == "after"
        else op
        for op in history
    )


def the_backlog_grows(history: History) -> History:
    """Each event is applied later than the one before, in order."""
    applied = [op.index for op in history.where(f="apply")]
    late = {index: 0.4 * number for number, index in enumerate(applied)}
    return numbered(replace(op, time=op.time + late.get(op.index, 0.0)) for op in history)


def the_generator_could_not_keep_up(history: History) -> History:
    return numbered(with_value(op, due=op.value.due - 0.2) if op.f == "emit" else op for op in history)


def _is_at_link(op: Op) -> bool:
    return op.actor == "realtime" and op.value.get("link") == READER


def only(bug: str, convicted_by: str, change: Callable[[History], History]) -> Mutant:
    """A bug that nobody else may convict."""
    return Mutant(bug=bug, convicted_by=convicted_by, change=change, also=frozenset())


MUTANTS: tuple[Mutant, ...] = (
    only("the debouncer lets everything pass", "rate_bound", the_debouncer_lets_everything_pass),
    Mutant(
        bug="the server forgets the subscription",
        convicted_by="canary",
        change=the_server_forgets_the_subscription,
    ),
    Mutant(bug="a closed socket is called live", convicted_by="status", change=a_closed_socket_is_called_live),
    Mutant(
        bug="the last socket's timer closes the next",
        convicted_by="status",
        change=the_last_sockets_timer_closes_the_next,
    ),
    only("the token of yesterday is used again", "tokens", the_token_of_yesterday_is_used_again),
    only("the client joins before it knows who it is", "tokens", the_client_joins_before_it_knows_who_it_is),
    only("a refusal is only logged", "errors_surfaced", a_refusal_is_only_logged),
    only("a refused join is tried at once for ever", "errors_surfaced", a_refused_join_is_tried_at_once_for_ever),
    only("all come back at once", "retry_storm", all_come_back_at_once),
    Mutant(
        bug="the reader gives up after five tries",
        convicted_by="retry_storm",
        change=the_reader_gives_up_after_five_tries,
    ),
    only("a channel is never given back", "resources", a_channel_is_never_given_back),
    Mutant(bug="the backlog grows", convicted_by="latency", change=the_backlog_grows),
    Mutant(
        bug="the generator could not keep up",
        convicted_by="generator_health",
        change=the_generator_could_not_keep_up,
        says=Valid.UNKNOWN,
        also=frozenset(),
    ),
)
