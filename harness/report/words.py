"""What the names of bins, extras, checkers and hops mean, in words for somebody who never saw a report."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from harness.checkers.checker import Valid
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
    "recovery": "After an outage a reader is back in time, with what it missed, once; a second recovery brings nothing.",
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

HEADLINES: Final[Mapping[Valid, str]] = {
    Valid.YES: "Every claim held.",
    Valid.NO: "A claim was broken.",
    Valid.UNKNOWN: "It could not be judged.",
}

STEPS_OF_THE_LINE: Final[Mapping[str, str]] = {
    "emit": "the application says it",
    "debounce": "its debouncer lets it pass",
    "insert": "it is sent to the database",
    "commit": "the database has it",
    "decode": "the Realtime server reads it from the log",
    "authorise": "row security allows it",
    "dispatch": "it is assigned to a socket",
    "send": "the frame leaves the server",
    "receive": "the client has the frame",
    "deliver": "it is handed to recovery",
    "apply": "the reader's state has it",
}


def in_short(accounts: Accounts) -> str:
    """One or two sentences: how many events were owed, how they came, what is missing."""
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
    return f"{owed}: {', '.join(came) or 'none came'}. " + (
        f"Not as they should be: {', '.join(wrong)}." if wrong else "Nothing is missing, late or out of order."
    )
