"""Which limit bites when, and with which words: virtual time, nothing waits."""

from dataclasses import replace

import pytest

from harness.realtime.limits import Bite, TenantLimits
from harness.realtime.plans import PLANS, Limits
from harness.realtime.quirks import Quirks

OFF = PLANS["off"]


def tenant(**limits: int) -> TenantLimits:
    return TenantLimits(replace(OFF, **limits))


def test_a_socket_counts_as_a_user_from_its_first_join_on() -> None:
    limits = tenant(max_concurrent_users=2)
    limits.joined(0.0, "a")
    before = limits.connect(0.0)
    limits.joined(0.0, "b")

    bite = limits.connect(0.0)

    assert (before, bite) == (None, Bite(limit="max_concurrent_users", allowed=2, measured=3))
    assert bite is not None
    assert bite.at_connect() == (429, "Too many connected users")


def test_a_socket_that_is_a_user_already_may_join_more() -> None:
    limits = tenant(max_concurrent_users=1)
    limits.joined(0.0, "a")

    bites = (limits.join(0.0, "a", 1), limits.join(0.0, "b", 0))

    assert bites == (None, Bite(limit="max_concurrent_users", allowed=1, measured=2))
    assert bites[1].at_join() == "ConnectionRateLimitReached: Too many connected users"


def test_a_socket_that_is_gone_makes_room() -> None:
    limits = tenant(max_concurrent_users=1)
    limits.joined(0.0, "a")

    limits.gone("a")

    assert limits.connect(0.0) is None


def test_the_26th_join_at_five_a_second_is_the_first_refused_under_a_limit_of_one() -> None:
    limits = tenant(max_joins_per_second=1)
    limits.connect(42.126)

    refused = [n for n in range(1, 28) if limits.join(42.128 + (n - 1) * 0.2022, "a", 0) is not None]

    assert refused == [26, 27]


def test_a_join_storm_refuses_new_sockets_too() -> None:
    limits = tenant(max_joins_per_second=1)
    for _ in range(25):
        limits.join(0.0, "a", 0)

    bite = limits.connect(5.0)

    assert bite == Bite(limit="max_joins_per_second", allowed=1, measured=2.5)
    assert bite.at_connect() == (429, "Too many joins per second")
    assert bite.at_join() == "ClientJoinRateLimitReached: Too many joins per second"


def test_one_channel_too_many_is_refused() -> None:
    limits = tenant(max_channels_per_client=3)

    bites = [limits.join(0.0, "a", channels) for channels in (0, 2, 3)]

    assert bites == [None, None, Bite(limit="max_channels_per_client", allowed=3, measured=4)]
    assert bites[2] is not None
    assert bites[2].at_join() == "ChannelRateLimitReached: Too many channels"


def test_only_who_receives_is_closed() -> None:
    limits = tenant(max_events_per_second=10)
    limits.joined(0.0, "loud")
    for moment in range(200):
        limits.sent(moment * 0.025)
        limits.received(moment * 0.025)

    sender, receiver = limits.sent(5.0), limits.received(5.0)

    assert (sender, receiver) == (None, Bite(limit="max_events_per_second", allowed=10, measured=40.0))
    assert receiver is not None
    assert receiver.in_channel() == "Too many messages per second"


def test_without_the_quirk_the_sender_is_closed_too() -> None:
    quirks = Quirks(sender_escapes_rate_limit=False)
    limits = TenantLimits(replace(OFF, max_events_per_second=10), quirks=quirks)
    limits.sent(0.0, 1000)

    assert limits.sent(5.0) == Bite(limit="max_events_per_second", allowed=10, measured=100.0)


def test_seen_at_ticks_or_at_every_message() -> None:
    at_ticks = tenant(max_events_per_second=10)
    at_once = TenantLimits(replace(OFF, max_events_per_second=10), quirks=Quirks(rates_seen_at_ticks=False))

    for limits in (at_ticks, at_once):
        limits.sent(0.0, 1000)

    assert [limits.received(0.1) is not None for limits in (at_ticks, at_once)] == [False, True]


def test_changes_above_the_limit_are_dropped_without_being_counted() -> None:
    limits = tenant(max_events_per_second=20)
    database = limits.database(0.0)
    database.events(4.0, 170)
    database.events(9.0, 500)

    sent = [database.events(moment, 100) for moment in (9.9, 10.0, 34.9, 35.0)]

    assert sent == [True, False, False, True]


def test_a_batch_that_was_dropped_is_told_in_the_history() -> None:
    database = tenant(max_events_per_second=20).database(0.0)
    database.events(0.0, 1000)
    database.events(5.0, 7)

    told = database.bite().told({"dropped": 7})

    assert told == {"limit": "db_events_per_second", "allowed": 20, "measured": 100.0, "dropped": 7}


def test_without_the_quirk_no_change_is_dropped() -> None:
    limits = TenantLimits(replace(OFF, max_events_per_second=1), quirks=Quirks(db_events_dropped_silently=False))
    database = limits.database(0.0)
    database.events(0.0, 1000)

    assert database.events(5.0, 1)


@pytest.mark.parametrize(("frozen", "sent"), [(True, False), (False, True)])
def test_the_limit_on_changes_is_that_of_the_start(frozen: bool, sent: bool) -> None:
    low, high = replace(OFF, max_events_per_second=10), replace(OFF, max_events_per_second=1000)
    limits = TenantLimits(low, quirks=Quirks(db_limit_frozen_at_start=frozen))
    database = limits.database(0.0)
    database.events(0.0, 1000)

    limits.replace(high)

    assert database.events(5.0, 1) is sent


def test_a_worker_that_starts_again_has_the_limit_of_now() -> None:
    limits = tenant(max_events_per_second=10)
    limits.replace(replace(OFF, max_events_per_second=1000))

    database = limits.database(0.0)
    database.events(0.0, 1000)

    assert database.events(5.0, 1)


def test_a_changed_limit_begins_to_count_anew() -> None:
    limits = tenant(max_events_per_second=10, max_joins_per_second=1, max_presence_events_per_second=1)
    limits.sent(0.0, 1000)
    limits.presence_sent(0.0, 1000)
    for _ in range(100):
        limits.join(0.0, "a", 0)

    limits.replace(replace(OFF, max_events_per_second=11, max_joins_per_second=2, max_presence_events_per_second=2))

    assert (limits.received(5.0), limits.connect(5.0), limits.presence(5.0)) == (None, None, None)


def test_an_unchanged_limit_goes_on_counting() -> None:
    limits = tenant(max_events_per_second=10)
    limits.sent(0.0, 1000)

    limits.replace(replace(OFF, max_events_per_second=10, max_channels_per_client=3))

    assert limits.received(5.0) is not None


def test_five_presence_calls_pass_in_thirty_seconds() -> None:
    window = tenant(max_client_presence_events_per_window=5).window()

    bites = [window.call(moment) for moment in (0.0, 1.0, 2.0, 3.0, 29.0, 30.0, 30.1)]

    assert [bite is None for bite in bites] == [True] * 5 + [False, True]
    assert bites[5] == Bite(limit="max_client_presence_events_per_window", allowed=5, measured=6)
    assert bites[5].in_channel() == "Client presence rate limit exceeded"


def test_without_that_limit_every_presence_call_passes() -> None:
    window = tenant().window()

    assert [window.call(0.0) for _ in range(50)] == [None] * 50


def test_presence_is_refused_above_its_rate_not_at_it() -> None:
    limits = tenant(max_presence_events_per_second=10)
    limits.presence_sent(0.0, 99)
    at_it = (limits.presence(0.0), limits.presence(5.0))
    limits.presence_sent(5.0, 100)

    above = limits.presence(10.0)

    assert at_it == (None, None)
    assert above == Bite(limit="max_presence_events_per_second", allowed=10, measured=201 / 15)
    assert above.in_channel() == "Too many presence messages per second"


def test_a_payload_is_measured_as_erlang_would() -> None:
    limits = tenant(max_payload_size_in_kb=1)
    sizes = {n: limits.payload({"type": "broadcast", "event": "e", "payload": {"k": "x" * n}}) for n in (1400, 1450)}

    assert sizes[1400] is None
    assert sizes[1450] == Bite(limit="max_payload_size_in_kb", allowed=1500, measured=1523)
    assert sizes[1450].in_channel() == "Track message size exceeded"


def test_without_that_limit_a_payload_may_be_any_size() -> None:
    limits = tenant()

    assert (limits.payload({"k": "x" * 10_000_000}), limits.payload_size(10**12)) == (None, None)


def test_http_headers_tell_of_requests_against_the_limit_of_messages() -> None:
    limits = tenant(max_events_per_second=10)
    limits.request(0.0)
    for _ in range(11):
        limits.request(0.5)

    headers, bite = limits.request(1.0)

    assert (headers, bite) == ({"x-rate-rolling": "6", "x-rate-limit": "10", "x-rate-limit-remaining": "4"}, None)


def test_too_many_requests_are_refused() -> None:
    limits = tenant(max_events_per_second=10)
    for _ in range(23):
        limits.request(0.0)

    headers, bite = limits.request(1.0)

    assert headers["x-rate-limit-remaining"] == "-1"
    assert bite == Bite(limit="requests_per_second", allowed=10, measured=11.5)
    assert bite.over_http() == (429, "Too many requests")


def test_without_a_limit_http_answers_carry_no_headers() -> None:
    assert tenant().request(0.0) == ({}, None)


def test_a_batch_is_refused_for_the_rate_or_for_its_size() -> None:
    limits = tenant(max_events_per_second=10)
    fits, too_big = limits.batch(0.0, 10), limits.batch(0.0, 11)
    limits.sent(0.0, 1000)

    over = limits.batch(5.0, 1)

    assert fits is None
    assert too_big == Bite(limit="batch", allowed=10, measured=11.0)
    assert over == Bite(limit="max_events_per_second", allowed=10, measured=100.0)
    assert [bite.over_http()[1] for bite in (too_big, over)] == [
        "Too many messages to broadcast, please reduce the batch size",
        "You have exceeded your rate limit",
    ]


def test_by_default_the_limits_are_those_of_a_self_hosted_server() -> None:
    assert Limits() == PLANS["selfhost"]
