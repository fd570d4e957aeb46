"""Every emulated oddity of the real server: a switch, a citation, the server versions. All are on by default.

A test or an application may lean on any of them without knowing; switching one off shows whether it does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """Which oddities are emulated; `ABOUT` says for each what it is and where it was seen."""

    slow_connect_refusal: bool = True
    slow_join_refusal: bool = True
    cold_worker_delay: bool = True
    reply_before_subscription: bool = True
    idle_poll_500ms: bool = True
    polls_take_time: bool = True
    delete_ignores_rls: bool = True
    rls_sees_current_row: bool = True
    names_are_like_patterns: bool = True
    char_cut_to_one: bool = True
    bytea_hex_without_prefix: bool = True
    non_finite_numbers_null: bool = True
    publication_filters_ignored: bool = True
    poisonous_filters: bool = True
    raising_policy_loses_batch: bool = True
    schema_drift_loses_batch: bool = True
    oversize_drops_nulls: bool = True
    rows_outlive_channels: bool = True
    subscribed_without_slot: bool = True
    no_slot_for_empty_publication: bool = True
    dropped_tables_stay_dead: bool = True
    node_ends_with_database: bool = True
    slow_reconnect: bool = True
    rates_seen_at_ticks: bool = True
    sender_escapes_rate_limit: bool = True
    db_events_dropped_silently: bool = True
    db_limit_frozen_at_start: bool = True
    join_storm_closes_socket: bool = True
    object_presence_key_crashes_all: bool = True
    late_track_without_state: bool = True
    leaver_hears_its_leave: bool = True
    non_map_broadcast_crashes_sender: bool = True
    denied_broadcast_without_reply: bool = True
    write_permission_kept: bool = True
    database_json_as_binary: bool = True
    null_broadcast_dropped: bool = True
    big_database_broadcast_dropped: bool = True
    denied_batch_accepted: bool = True
    message_stream_retries_slowly: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a quirk does while it is on, what happens while it is off, where it was seen and since which version."""

    on: str
    off: str
    seen: str
    since: str


ABOUT: Final[Mapping[str, About]] = {
    "slow_connect_refusal": About(
        on="an upgrade is refused after 2 s",
        off="at once",
        seen="realtime-facts 1.3, recording p04",
        since="v2.81.0",
    ),
    "slow_join_refusal": About(
        on="a join is refused after 5 s, and the whole socket stands still for that long",
        off="at once",
        seen="realtime-facts 2.4, recordings p04 and p07",
        since="v2.83.0",
    ),
    "cold_worker_delay": About(
        on="the first subscriber of a tenant is subscribed after a random 1 to 3 s",
        off="as soon as the slot is open",
        seen="realtime-facts 3.4 and 11.23, recording p11b",
        since="before v2.25",
    ),
    "reply_before_subscription": About(
        on="a join is answered before its subscription exists, so SUBSCRIBED is no readiness",
        off="a join is answered when its subscription exists",
        seen="realtime-facts 3.4, every recording",
        since="before v2.25",
    ),
    "idle_poll_500ms": About(
        on="a poll that found nothing is followed by a wait of 500 ms",
        off="by a wait of 100 ms",
        seen="realtime-facts 4.3 and 11.5, recording p11",
        since="v2.82.0",
    ),
    "polls_take_time": About(
        on="a poll takes as long as the real server's, 5 to 10 ms and more for many rows",
        off="as long as it takes",
        seen="realtime-facts 11.5, recording p11 and p11c_latency.json",
        since="before v2.25",
    ),
    "delete_ignores_rls": About(
        on="a DELETE goes to every subscription of the table whose filter it meets",
        off="on a table with row security only to roles that row security does not bind",
        seen="realtime-facts 4.4, recording p12",
        since="before v2.25",
    ),
    "rls_sees_current_row": About(
        on="policies are asked about the row as it is when the change is looked at",
        off="about the row as the change left it",
        seen="realtime-facts 4.4 and 11.20, recording p12",
        since="before v2.25",
    ),
    "names_are_like_patterns": About(
        on="schema and table of a binding are LIKE patterns: _ is any character, % any text, and a lone * is %",
        off="they are names, and only a lone * stands for all",
        seen="realtime-facts 4.1",
        since="before v2.25",
    ),
    "char_cut_to_one": About(
        on="char(n) and bit(n) are cut to their first character",
        off="they are whole",
        seen="realtime-facts 4.7, recording p02b",
        since="before v2.25",
    ),
    "bytea_hex_without_prefix": About(
        on="bytea is hex without prefix",
        off="with the prefix \\x that PostgreSQL prints",
        seen="realtime-facts 4.7, recording p02b",
        since="v2.76.6",
    ),
    "non_finite_numbers_null": About(
        on="NaN and the infinities of a number column are null (not inside arrays)",
        off='they are the strings "NaN", "Infinity" and "-Infinity"',
        seen="realtime-facts 4.7, recording p02b",
        since="before v2.25",
    ),
    "publication_filters_ignored": About(
        on="row filters, column lists and partition roots of the publication are ignored, as wal2json does",
        off="they hold, as pgoutput has it; generated columns come only if the publication says so",
        seen="realtime-facts 4.6, 4.9 and 11.27",
        since="before v2.25",
    ),
    "poisonous_filters": About(
        on="a filter on an array, json or point column is accepted, and what it is compared with costs all the batch",
        off="such a filter is never met",
        seen="realtime-facts 11.6, recording p16",
        since="before v2.25",
    ),
    "raising_policy_loses_batch": About(
        on="a policy that raises costs everybody the batch",
        off="it hides the rows",
        seen="realtime-facts 4.3 and 11.22, recording p12",
        since="before v2.25",
    ),
    "schema_drift_loses_batch": About(
        on="a change with a column that the table has no longer costs the batch",
        off="the column is left out",
        seen="realtime-facts 4.3",
        since="before v2.25",
    ),
    "oversize_drops_nulls": About(
        on="a record above 1 MiB loses its NULL fields too",
        off="it keeps them",
        seen="realtime-facts 4.6, recording p08",
        since="before v2.25",
    ),
    "rows_outlive_channels": About(
        on="rows of channels that are gone are checked and counted for up to 15 s more",
        off="they are removed at once",
        seen="realtime-facts 4.1 and 11.3, recording p16",
        since="before v2.25",
    ),
    "subscribed_without_slot": About(
        on="a channel is subscribed whether the slot stands or not",
        off="it waits for the slot",
        seen="realtime-facts 4.3",
        since="before v2.25",
    ),
    "no_slot_for_empty_publication": About(
        on="while the publication is empty there is no slot; the worker looks again every 60 s",
        off="the slot is made all the same",
        seen="realtime-facts 4.3 and 11.28",
        since="v2.107.1",
    ),
    "node_ends_with_database": About(
        on="a restart of PostgreSQL ends the node with its own: every socket is closed with 1012, without a word",
        off="the node survives: sockets stay, nothing is said, rows of about 2 s are lost",
        seen="realtime-facts 11.10 and 11.11, recordings p13b and p13c",
        since="before v2.25",
    ),
    "dropped_tables_stay_dead": About(
        on="a channel whose table left the publication stays deaf when the table comes back",
        off="the next check subscribes it again",
        seen="realtime-facts 11.9, recording p13",
        since="before v2.25",
    ),
    "slow_reconnect": About(
        on="a poller whose connection broke comes back after about 2 s",
        off="after 0.1 s",
        seen="realtime-facts 11.8 and 11.11, recordings p13 and p13c",
        since="before v2.25",
    ),
    "rates_seen_at_ticks": About(
        on="a rate is looked at every 5 s, as the mean of at most 12 such ticks, so a burst passes first",
        off="at every message",
        seen="realtime-facts 6.2, recordings p09 and p09b",
        since="before v2.25",
    ),
    "sender_escapes_rate_limit": About(
        on="too many messages per second close only channels that receive a broadcast",
        off="the channel that sends one is closed too",
        seen="realtime-facts 11.1, recording p09b",
        since="before v2.25",
    ),
    "db_events_dropped_silently": About(
        on="changes above the messages per second are dropped, batch by batch, and nobody is told",
        off="they are counted and sent",
        seen="realtime-facts 6.2 and 11.4, recording p09",
        since="v2.53.1",
    ),
    "db_limit_frozen_at_start": About(
        on="the limit on changes is the one that the tenant had when the worker started",
        off="the one that it has now",
        seen="realtime-facts 11.3",
        since="v2.61.1",
    ),
    "join_storm_closes_socket": About(
        on="a join refused for too many joins closes its socket with 1001",
        off="it is only refused",
        seen="realtime-facts 1.5 and 11.19, recording p09b",
        since="before v2.25",
    ),
    "object_presence_key_crashes_all": About(
        on="a track under a key that is an object crashes every channel that is tracked, on any topic",
        off="such a key is spelled as JSON",
        seen="realtime-facts 11.17",
        since="before v2.25",
    ),
    "late_track_without_state": About(
        on="a track on a channel joined without presence turns it on, but no presence_state is sent",
        off="the state follows the reply",
        seen="realtime-facts 5.5, recording p06",
        since="v2.39.0",
    ),
    "leaver_hears_its_leave": About(
        on="a tracked channel of vsn 1.0.0 that leaves gets the diff of its own leave, after phx_close",
        off="it gets nothing after phx_close, as one of vsn 2.0.0",
        seen="recording p06 (vsn 1.0.0 and 2.0.0 differ)",
        since="v2.129.8",
    ),
    "non_map_broadcast_crashes_sender": About(
        on="a text push whose payload is no object crashes its sender as soon as a socket of vsn 2.0.0 would get it",
        off="it is sent as it is",
        seen="realtime-facts 11.16, recording p05 (vsn 1.0.0 and 2.0.0 differ)",
        since="v2.63.0",
    ),
    "denied_broadcast_without_reply": About(
        on="a push that no policy allows is dropped without a reply, with ack too",
        off="with ack it is answered by an error",
        seen="realtime-facts 5.1, recording p05c",
        since="v2.33.24",
    ),
    "write_permission_kept": About(
        on="whether a private channel may send is asked at its first push and kept until its next token",
        off="asked at every push",
        seen="realtime-facts 5.1, recording p05c",
        since="v2.33.24",
    ),
    "database_json_as_binary": About(
        on="JSON that was sent from the database goes to vsn 2.0.0 as a binary frame",
        off="as text, as to vsn 1.0.0",
        seen="realtime-facts 2.3 and 11.15, recording p05c",
        since="v2.63.0",
    ),
    "null_broadcast_dropped": About(
        on="a row of realtime.messages without payload is not sent",
        off="it is sent with the payload null",
        seen="realtime-facts 11.15, recording p05c",
        since="before v2.49",
    ),
    "big_database_broadcast_dropped": About(
        on="a broadcast from the database above the payload limit is dropped and nobody is told; a replay has it",
        off="it is sent, whatever its size",
        seen="recording p05c (realtime-facts 11.14 says otherwise)",
        since="before v2.49",
    ),
    "denied_batch_accepted": About(
        on="a private message that no policy allows is dropped from its HTTP batch, and the answer is 202 all the same",
        off="the batch is answered 403",
        seen="realtime-facts 5.2, recordings p05 and p05c",
        since="v2.33.24",
    ),
    "message_stream_retries_slowly": About(
        on="a broken stream of realtime.messages is opened again after 5 s to 5 min",
        off="after 0.1 s",
        seen="realtime-facts 5.3",
        since="v2.49.0",
    ),
}
