"""The recorder's format, read as it is meant."""

from datetime import UTC, datetime

import pytest

from harness.errors import InvalidRecording
from harness.fidelity.recording import Entry, Recording, expand, lines, parse, shorten

META = '{"t": 0.1, "c": "-", "dir": "meta", "wall": "2026-11-24T02:19:36Z", "vsn": "2.0.0", "port": 4001}'


def entry_of(line: str) -> Entry:
    return parse("one", [META, line]).entries[0]


def test_a_recording_is_its_meta_and_the_entries_after_it() -> None:
    recording = parse("one", [META, '{"t": 7.5, "c": "A", "dir": "send", "text": "[]"}'])

    assert recording == Recording(
        name="one",
        vsn="2.0.0",
        wall=datetime(2026, 11, 24, 2, 19, 36, tzinfo=UTC),
        entries=(Entry(t=7.5, c="A", dir="send", text="[]"),),
    )


def test_a_run_of_one_character_is_written_out() -> None:
    assert entry_of('{"t": 1, "c": "A", "dir": "recv", "text": "a⟦x×4000⟧b"}').text == f"a{'x' * 4000}b"


def test_what_the_recorder_cut_off_is_filled_to_its_length() -> None:
    assert expand("ab...<6 chars>") == "abbbbb"


def test_long_runs_are_written_short_again() -> None:
    text = f"a{'x' * 6000}b"

    assert shorten(text) == "a⟦x×6000⟧b"
    assert expand(shorten(text)) == text


def test_the_hex_of_a_binary_frame_is_its_data() -> None:
    entry = entry_of('{"t": 1, "c": "A", "dir": "recv", "text": "?", "bin": true, "hex": "0400ff"}')

    assert entry.data == b"\x04\x00\xff"


def test_a_binary_frame_without_hex_is_read_from_its_text() -> None:
    entry = entry_of('{"t": 1, "c": "A", "dir": "recv", "text": "\\u0004ÿ⟦x×3⟧", "bin": true}')

    assert entry.data == b"\x04\xffxxx"


@pytest.mark.parametrize(
    ("said", "by"),
    [('"code": 1000', "client"), ('"code": 1006', "client"), ('"code": 1009', "server"), ('"code": 1012', "server")],
)
def test_a_close_that_does_not_say_by_whom_is_understood_by_its_code(said: str, by: str) -> None:
    assert entry_of(f'{{"t": 1, "c": "A", "dir": "close", {said}, "reason": ""}}').by == by


def test_a_close_by_the_server_is_heard_and_one_by_the_client_is_done() -> None:
    ours = entry_of('{"t": 1, "c": "A", "dir": "close", "code": 1000, "by": "client"}')
    theirs = entry_of('{"t": 1, "c": "A", "dir": "close", "code": 1000, "by": "server"}')

    assert (ours.is_act, ours.is_heard, theirs.is_act, theirs.is_heard) == (True, False, False, True)


def test_notes_that_are_more_than_notes_become_entries() -> None:
    ping = entry_of('{"t": 1, "c": "wsping", "dir": "note", "text": "ws ping sent"}')
    outcome = entry_of('{"t": 1, "c": "-", "dir": "note", "text": "ctl admin 204"}')

    assert (ping.dir, outcome.dir, outcome.text) == ("ping", "ctl_result", "admin 204")


def test_what_is_written_is_read_again() -> None:
    recording = parse(
        "one",
        [
            META,
            '{"t": 1, "c": "pg", "dir": "sql", "text": "select $1", "args": ["1", null]}',
            '{"t": 2, "c": "A", "dir": "recv", "text": "⟦x×9000⟧"}',
            '{"t": 3, "c": "A", "dir": "http", "status": 401, "headers": {"server": "Cowboy"}, "text": "no"}',
        ],
    )

    assert parse("one", list(lines(recording))) == recording


def test_a_line_that_is_no_entry_is_named() -> None:
    with pytest.raises(InvalidRecording, match="line 2"):
        parse("one", [META, '{"t": "soon"}'])


def test_lines_without_meta_are_no_recording() -> None:
    with pytest.raises(InvalidRecording, match="meta"):
        parse("one", ['{"t": 1, "c": "A", "dir": "send", "text": "[]"}'])
