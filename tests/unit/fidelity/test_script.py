"""What our side does, and what it waits for."""

from datetime import UTC, datetime

from harness.fidelity.recording import Entry, Recording
from harness.fidelity.script import acts, steps


def recording(*entries: Entry) -> Recording:
    return Recording(name="one", vsn="2.0.0", wall=datetime(2026, 11, 24, tzinfo=UTC), entries=entries)


def opened(client: str, t: float) -> list[Entry]:
    return [Entry(t=t, c=client, dir="open", text="ws://x"), Entry(t=t + 1, c=client, dir="opened")]


def message(t: float, direction: str, event: str, ref: str | None = None, client: str = "A") -> Entry:
    written = "null" if ref is None else f'"{ref}"'
    return Entry(t=t, c=client, dir=direction, text=f'["1",{written},"realtime:x","{event}",{{}}]')


def test_a_send_that_followed_a_frame_at_once_is_caused_by_it() -> None:
    entries = [*opened("A", 0.0), message(1.5, "send", "phx_join", "1"), message(9.0, "recv", "phx_reply", "1")]
    done = acts(recording(*entries, message(9.4, "send", "broadcast", "2")))

    cause = done[2].cause

    assert cause is not None
    assert (cause.stream, cause.kind, cause.count, cause.t) == ("A", "phx_reply realtime:x 1", 1, 9.0)


def test_a_send_long_after_a_frame_only_waits_for_it() -> None:
    entries = [*opened("A", 0.0), message(1.5, "send", "phx_join", "1"), message(9.0, "recv", "phx_reply", "1")]
    done = acts(recording(*entries, message(300.0, "send", "broadcast", "2")))

    assert done[2].cause is None
    assert [sign.kind for sign in done[2].after] == ["phx_reply realtime:x 1"]


def test_acts_of_one_burst_share_their_cause() -> None:
    entries = [*opened("A", 0.0), message(1.2, "send", "phx_join", "1"), message(1.4, "send", "phx_join", "2")]
    done = acts(recording(*entries))

    assert done[1].cause is not None
    assert done[2].cause == done[1].cause


def test_a_close_does_not_wait_for_what_it_may_have_caused() -> None:
    leaves = message(1000.0, "recv", "presence_diff", client="B")
    closed = Entry(t=1000.4, c="A", dir="close", code=1000, by="client")
    done = acts(recording(*opened("A", 0.0), *opened("B", 5.0), leaves, closed, message(1500.0, "send", "x", "9", "B")))

    assert [sign.kind for sign in done[2].after] == ["open"]
    assert [sign.kind for sign in done[3].after] == ["presence_diff realtime:x"]


def test_a_statement_that_never_happened_is_left_out() -> None:
    never = "InterfaceError: cannot perform operation: another operation is in progress"
    entries = [
        Entry(t=0.0, c="pg", dir="sql", text="first"),
        Entry(t=0.1, c="pg", dir="sql", text="second"),
        Entry(t=0.2, c="pg", dir="sqlerr", text=never),
        Entry(t=0.3, c="pg", dir="sqlok", text="INSERT 0 1"),
    ]

    assert [step.entry.text for step in steps(recording(*entries))] == ["first", "INSERT 0 1"]


def test_a_client_that_connects_again_has_a_stream_of_its_own() -> None:
    again = [
        Entry(t=10.0, c="A", dir="open", text="ws://x"),
        message(11.0, "recv", "broadcast"),
        Entry(t=12.0, c="A", dir="close", code=1000, by="client"),
        Entry(t=13.0, c="A", dir="opened"),
        message(14.0, "recv", "broadcast"),
        Entry(t=15.0, c="A", dir="close", code=1000, by="client"),
    ]

    streams = [step.stream for step in steps(recording(*opened("A", 0.0), *again))]

    assert streams == ["A", "A", "A/2", "A", "A", "A/2", "A/2", "A/2"]
