"""What the names of bins, extras, checkers and hops mean, in words for somebody who never saw a report."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from harness.checkers.checker import Valid, Verdict, compose
from harness.checkers.trial import Trial
from harness.checkers.trials import trial
from harness.history.accounting import Accounts, Bin, Extra


class Mood(StrEnum):
    """Whether a count is as it should be, tolerable and told, or what must not be."""

    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"


BINS: Final[Mapping[Bin, tuple[Mood, str]]] = {
    Bin.UNPUBLISHED: (Mood.FAIR, "never committed, and the application was told"),
    Bin.UNPUBLISHED_SILENT: (Mood.BAD, "never committed, and nobody was told"),
    Bin.COALESCED: (Mood.GOOD, "merged into a later event by the debounce policy, which may do so"),
    Bin.SUPERSEDED: (Mood.GOOD, "replaced by a later event, which is allowed for its class"),
    Bin.WITHHELD: (Mood.BAD, "owed to this reader, but hidden by the server's row security"),
    Bin.LOST_SILENT: (Mood.BAD, "committed and never applied, and the client was not told"),
    Bin.LOST_ANNOUNCED: (Mood.FAIR, "committed and never applied; the client knows of the gap"),
    Bin.TRUNCATED: (Mood.BAD, "applied without all of its data"),
    Bin.LATE: (Mood.FAIR, "applied more than five seconds after it was due"),
    Bin.REORDERED: (Mood.BAD, "applied after a later event"),
    Bin.RECOVERED: (Mood.GOOD, "applied through a fetch: at the start, or after an outage"),
    Bin.DELIVERED: (Mood.GOOD, "applied live, in order, in time"),
}

EXTRAS: Final[Mapping[Extra, str]] = {
    Extra.DUPLICATE: "applied again",
    Extra.PHANTOM: "arrived, but was never committed",
    Extra.FORBIDDEN: "arrived at a reader that has no right to it",
    Extra.MISROUTED: "arrived at a reader that had not asked for it",
}

CLAIMS: Final[Mapping[str, str]] = {
    "accounting": "Nothing is lost in silence: whatever is missing, somebody was told.",
    "order": "Every reader applies events in the order in which they were meant, numbered and committed.",
    "content": "The text that a reader shows is the text that was written, byte for byte.",
    "duplicates": "Nothing is applied twice, under its own id or another.",
    "readiness": "Nothing is lost between the join reply, which clients call SUBSCRIBED, and ready.",
    "recovery": "After an outage a reader is back in time, with what it missed, once; a second one brings nothing.",
    "cursor_safety": "No cursor passes an event that was not committed yet or not seen.",
    "convergence": "At rest, what a reader shows is what the database holds.",
    "row_security": "Nobody receives what row security forbids, and nobody entitled is refused.",
    "routing": "Each change reaches the handlers whose filter it meets, and no other.",
    "payload": "No column is missing and nothing is cut off without the reader noticing.",
    "value_fidelity": "The value that is delivered is the value that is read back.",
    "workflow": "The automaton allows all that was said and applied; after the end comes nothing.",
    "staleness": "What is shown is never older than it may be, unless the reader says so.",
    "rate_bound": "Nothing is published more often than the debounce policy declares.",
    "canary": "Whoever says that it is live hears of what is committed.",
    "status": "What a client says of its connection is true within two heartbeats, and no healthy socket is given up.",
    "tokens": "Every join carries a token that is valid then, and that of the user who is signed in.",
    "errors_surfaced": "Every refusal reaches the application in time, and nothing is retried without bound.",
    "retry_storm": "After an outage all come back in time, and not all at once.",
    "resources": "Counters, timers and channels return to where they were.",
    "latency": "Events arrive within the gate, counted from when they were due.",
    "generator_health": "The load was offered on time.",
    "story": "The story was performed to its end.",
}

STEPS_OF_THE_LINE: Final[Mapping[str, str]] = {
    "emit": "the application says it",
    "debounce": "its debouncer lets it pass",
    "insert": "it is sent to the database",
    "commit": "the database has it",
    "decode": "the Realtime server reads it from the log",
    "authorise": "a subscription asks for it, and row security lets it see it",
    "dispatch": "it is assigned to a socket",
    "send": "the frame leaves the server",
    "receive": "the client has the frame",
    "deliver": "it is handed to recovery",
    "apply": "the reader's state has it",
}


FAULTS: Final[Mapping[str, str]] = {
    "app_killed": "the application's process ended",
    "black_hole": "the link swallowed everything and said nothing: neither side was told",
    "cdc_crash": "the part of the server that reads changes crashed",
    "clock_jumps": "the application's wall clock jumped",
    "commit_then_timeout": "what was committed was never answered: the application could not know",
    "cut": "the connection broke",
    "delay": "the network was slow",
    "deploy": "the server was deployed anew: every socket was closed",
    "disconnect": "the reader's connection broke without a close frame",
    "drop": "messages were lost one by one",
    "duplicate": "messages arrived more than once",
    "idle_close": "a gateway ended connections that were idle for long",
    "insert_fails": "the database refused some of the inserts",
    "laptop_sleeps": "the reader's laptop slept",
    "last_subscriber_wins": "of several subscribers only the newest got each row",
    "offline": "the reader's machine had no network, and knew it",
    "plugin_refused": "the database refused the plugin that the server reads changes with",
    "poison_filter": "another client's filter broke the stream for everybody",
    "poller_killed": "the session that reads changes was terminated",
    "postgres_restart": "PostgreSQL crashed and started again",
    "quota_reached": "the tenant had reached one of its limits",
    "ready_delayed": "subscriptions took effect long after their join was answered",
    "reorder": "row changes overtook each other",
    "reply_reordered": "the server told the bindings of a join in another way than they were asked for",
    "rls_revoked": "row security hid the rows from those to whom they belong",
    "slot_busy": "another session held the slot that the server wants",
    "slot_lost": "the slot that changes are read from was gone",
    "slow_commit": "some transactions committed later than those that began after them",
    "slow_reader": "the client did not keep up",
    "subscriptions_cleared": "the rows of all subscriptions vanished",
    "tab_hidden": "the reader's tab was in the background: its timers were throttled",
    "table_unpublished": "a table was taken out of the publication, and put back at the end",
    "token_expires": "the sign-in server could not be reached: the token ran out",
}
"""What was the case while a fault held, by the names of `faults/`, and what a story does itself: `disconnect`."""


def headline(verdicts: Mapping[str, Verdict]) -> str:
    """What all verdicts say together, with the names of the claims that did not hold."""
    valid = compose(list(verdicts.values()))
    names = [name for name, verdict in verdicts.items() if verdict.valid is valid]
    if valid is Valid.YES:
        return "Every claim held."
    if valid is Valid.UNKNOWN:
        return f"It could not be judged{f': {listed(names)}' if names else ''}."
    broken = "A claim was" if len(names) == 1 else f"{len(names)} of {len(verdicts)} claims were"
    return f"{broken} broken: {listed(names)}."


def on_trial(verdicts: Mapping[str, Verdict]) -> str:
    """A sentence on how the checkers did that were tried themselves; nothing if none of these was."""
    tried = {name: found for name in verdicts if (found := trial(name)) is not None}
    failed = [name for name, found in tried.items() if not found.passed]
    if failed:
        return f"Do not believe {listed(failed)}: tried on a run with a planted bug and on one without, it failed."
    if not tried:
        return ""
    whom = "This judge was" if len(tried) == 1 else "These judges were"
    return f"{whom} tried: convicted a run with a planted bug, acquitted the same run without it."


def trial_words(tried: Trial) -> str:
    """How one checker did on its case."""
    return (
        f"This judge was tried: it {'convicted' if tried.convicted else 'did NOT convict'} a run in which {tried.bug}, "
        f"and {'acquitted' if tried.acquitted else 'did NOT acquit'} the same run without that."
    )


def listed(names: Sequence[str], *, shown: int = 4) -> str:
    """`a`, `a and b`, `a, b and c`, or the first of many and how many more."""
    if len(names) > shown + 1:
        return f"{', '.join(names[:shown])} and {len(names) - shown} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def in_short(accounts: Accounts) -> str:
    """A few sentences: how many events were owed, how they came, what is missing, what came too much."""
    counts = accounts.by_bin()
    readers = len(accounts.by_reader())
    if not accounts.entries:
        return "No event was owed to anybody."
    came = [
        f"{counts[bin_]} {words}"
        for bin_, words in (
            (Bin.DELIVERED, "came live"),
            (Bin.RECOVERED, "through a fetch"),
            (Bin.COALESCED, "merged into later ones"),
            (Bin.SUPERSEDED, "replaced by later ones"),
        )
        if counts[bin_]
    ]
    wrong = [
        f"{counts[bin_]} {bin_.replace('_', ' ')}" for bin_ in Bin if counts[bin_] and BINS[bin_][0] is not Mood.GOOD
    ]
    owed = f"{len(accounts.entries)} deliveries were owed to {readers} reader{'s' if readers != 1 else ''}"
    besides = [f"{count} {kind}" for kind, count in accounts.by_extra().items() if count]
    told = [
        f"{owed}: {', '.join(came) or 'none came'}.",
        f"Not as they should be: {', '.join(wrong)}." if wrong else "None is missing or late.",
        f"What came besides: {', '.join(besides)}." if besides else "",
    ]
    return " ".join(filter(None, told))
