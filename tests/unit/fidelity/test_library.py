"""Recordings are found by name, family, pattern and path."""

from pathlib import Path

import pytest

from harness.errors import InvalidRecording, UnknownRecording
from harness.fidelity.library import known, read, schema, select


def test_all_recordings_of_the_real_server_come_with_the_harness() -> None:
    assert len(known()) == 42
    assert "create table if not exists public.t_seq" in schema()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("p04_auth.v1", ["p04_auth.v1"]),
        ("p04_auth", ["p04_auth.v1", "p04_auth.v2"]),
        ("p04", ["p04_auth.v1", "p04_auth.v2"]),
        ("p04.v2", ["p04_auth.v2"]),
        ("p04*.v2", ["p04_auth.v2", "p04b_refresh.v2"]),
    ],
)
def test_a_name_may_leave_out_what_is_clear(wanted: str, found: list[str]) -> None:
    assert list(select([wanted])) == found


def test_a_file_of_ones_own_is_a_recording(tmp_path: Path) -> None:
    file = tmp_path / "mine.v2.jsonl"
    file.write_text('{"t": 0, "c": "-", "dir": "meta", "wall": "2026-11-24T02:19:36Z", "vsn": "2.0.0"}\n')

    assert select([str(file)]) == {"mine.v2": file}
    assert read(file).entries == ()


def test_an_unknown_name_says_what_is_known() -> None:
    with pytest.raises(UnknownRecording, match=r"p01_basic\.v1"):
        select(["p99"])


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl.xz"
    file.write_bytes(b"not compressed")

    with pytest.raises(InvalidRecording, match="mine"):
        read(file)
