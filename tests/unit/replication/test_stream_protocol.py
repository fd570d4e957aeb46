"""The wire of a replication connection, byte by byte."""

from harness.replication.lsn import Lsn
from harness.replication.stream_protocol import (
    TERMINATE,
    Data,
    Frame,
    Frames,
    Keepalive,
    copied,
    error_fields,
    query,
    startup,
    status,
)

READY = b"Z\x00\x00\x00\x05I"
COMPLETE = b"C\x00\x00\x00\x0bSELECT\x00"


def test_frames_are_cut_wherever_the_chunks_end() -> None:
    stream = READY + COMPLETE + READY

    for size in range(1, len(stream) + 1):
        frames = Frames()
        chunks = [stream[at : at + size] for at in range(0, len(stream), size)]

        cut = [frame for chunk in chunks for frame in frames.feed(chunk)]

        assert cut == [
            Frame(kind=b"Z", body=b"I"),
            Frame(kind=b"C", body=b"SELECT\0"),
            Frame(kind=b"Z", body=b"I"),
        ]


def test_the_startup_packet_names_protocol_3_and_its_parameters() -> None:
    assert startup({"user": "a", "replication": "database"}) == (
        b"\x00\x00\x00\x25\x00\x03\x00\x00user\x00a\x00replication\x00database\x00\x00"
    )


def test_a_command_is_a_simple_query() -> None:
    assert query("SELECT 1") == b"Q\x00\x00\x00\x0dSELECT 1\x00"


def test_goodbye_has_no_body() -> None:
    assert TERMINATE == b"X\x00\x00\x00\x04"


def test_an_acknowledgement_names_the_place_three_times() -> None:
    place = b"\x00\x00\x00\x01\x00\x00\x00\x02"

    assert status(Lsn.parse("1/2")) == b"d\x00\x00\x00\x26r" + place * 3 + bytes(8) + b"\x00"


def test_data_begins_behind_its_places_and_its_time() -> None:
    assert copied(b"w" + bytes(24) + b"Bsomething") == Data(payload=b"Bsomething")


def test_a_keepalive_tells_how_far_the_server_has_come() -> None:
    assert copied(b"k" + b"\x00\x00\x00\x01\x00\x00\x00\x02" + bytes(8) + b"\x01") == Keepalive(end=Lsn.parse("1/2"))


def test_other_kinds_of_copied_data_are_left_out() -> None:
    assert copied(b"?what") is None


def test_an_error_is_read_by_its_fields() -> None:
    assert error_fields(b"SERROR\x00C42710\x00Malready there\x00\x00") == {
        "S": "ERROR",
        "C": "42710",
        "M": "already there",
    }
